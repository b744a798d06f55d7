"""
The passwords with which clients log in to the embedded broker: one file of client properties for each principal.

The files belong to the owner of the home, and nobody else can read them. Kafka's own tools can use them as they are.
"""

import os
import secrets
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from streams.errors import StackFailed
from streams.kafka.login import properties, secret_file
from streams.kafka.rights import principals

__all__ = ["BROKER", "jaas", "make_secrets", "password", "tell_broker", "write_privately"]

BROKER = "broker"
"""The principal of the broker itself. It may do everything, and sets the passwords of the others."""

_MECHANISMS = {BROKER: "PLAIN"}
_LOGIN_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}
_BYTES = 24


def make_secrets(home: Path) -> None:
    """Make a password for each principal that has none."""
    for principal in (BROKER, *principals()):
        file = secret_file(home, principal)
        if not file.exists():
            write_privately(file, _properties(principal, secrets.token_urlsafe(_BYTES)))


def password(home: Path, principal: str) -> str:
    """Return the password of a principal."""
    return properties(secret_file(home, principal))["sasl.password"]


def jaas(principal: str, secret: str, *, users: str = "") -> str:
    """Return a login in the words of Java. `users` are more options of the login module."""
    module = _LOGIN_MODULES[_MECHANISMS.get(principal, "SCRAM-SHA-512")]
    return f'{module} required username="{principal}" password="{secret}"{users};'


def tell_broker(client: KafkaAdminClient, home: Path) -> None:
    """
    Store the passwords of all principals at the broker, as salted hashes. Clients that are connected stay connected.

    Raises:
        StackFailed: the broker refuses a password.
    """
    mechanism = ScramMechanism.SCRAM_SHA_512
    answers = client.alter_user_scram_credentials(
        [UserScramCredentialUpsertion(one, mechanism, password(home, one).encode()) for one in principals()]
    )
    if refused := {one: why for one, why in answers.items() if why}:
        raise StackFailed(f"Kafka refuses the passwords of {', '.join(refused)}: {next(iter(refused.values()))}")


def _properties(principal: str, secret: str) -> str:
    return (
        f"# The login of {principal!r} at the broker of this home; see docs/operate.md.\n"
        "security.protocol=SASL_PLAINTEXT\n"
        f"sasl.mechanism={_MECHANISMS.get(principal, 'SCRAM-SHA-512')}\n"
        f"sasl.jaas.config={jaas(principal, secret)}\n"
    )


def write_privately(file: Path, text: str) -> None:
    """Write a file that only its owner can read, at no moment readable for others, and never half-written."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = file.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    aside.rename(file)
