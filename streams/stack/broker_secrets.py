"""
The passwords with which clients log in to the embedded broker: one file of client properties for each principal.

The files belong to the owner of the home, and nobody else can read them. Kafka's own tools can use them as they are.
"""

import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialDeletion, UserScramCredentialUpsertion

from streams import private
from streams.errors import StackFailed
from streams.kafka.login import properties, secret_file
from streams.kafka.partners import Partner
from streams.kafka.rights import principals

__all__ = [
    "BROKER",
    "forget_others",
    "jaas",
    "locked",
    "make_secrets",
    "new_password",
    "password",
    "tell_broker",
    "write_password",
]

BROKER = "broker"
"""The principal of the broker itself. It may do everything, and sets the passwords of the others."""

_MECHANISMS = {BROKER: "PLAIN"}
_LOGIN_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}
_BYTES = 24


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Let only one process at a time change passwords. Otherwise a file and the broker could end up different."""
    with private.locked(home / "secrets"):
        yield


def make_secrets(home: Path, partners: tuple[Partner, ...] = ()) -> None:
    """Make a password for each principal that has none."""
    for principal in (BROKER, *principals(partners)):
        if not secret_file(home, principal).exists():
            write_password(home, principal, new_password())


def new_password() -> str:
    """Return a random password."""
    return secrets.token_urlsafe(_BYTES)


def write_password(home: Path, principal: str, secret: str) -> None:
    """Write the file with which a principal logs in from now on."""
    private.write_privately(secret_file(home, principal), _properties(principal, secret))


def password(home: Path, principal: str) -> str:
    """Return the password of a principal."""
    return properties(secret_file(home, principal))["sasl.password"]


def jaas(principal: str, secret: str, *, users: str = "") -> str:
    """Return a login in the words of Java. `users` are more options of the login module."""
    module = _LOGIN_MODULES[_MECHANISMS.get(principal, "SCRAM-SHA-512")]
    return f'{module} required username="{principal}" password="{secret}"{users};'


def tell_broker(client: KafkaAdminClient, passwords: Mapping[str, str]) -> None:
    """
    Store the passwords of principals at the broker, as salted hashes. Clients that are connected stay connected.

    Raises:
        StackFailed: the broker refuses a password.
    """
    mechanism = ScramMechanism.SCRAM_SHA_512
    answers = client.alter_user_scram_credentials(
        [UserScramCredentialUpsertion(one, mechanism, secret.encode()) for one, secret in passwords.items()]
    )
    if refused := {one: why for one, why in answers.items() if why}:
        raise StackFailed(f"Kafka refuses the passwords of {', '.join(refused)}: {next(iter(refused.values()))}")


def forget_others(client: KafkaAdminClient, known: Collection[str]) -> set[str]:
    """
    Delete the passwords of all others at the broker, for example of a former partner. Return their names.

    Raises:
        StackFailed: the broker refuses.
    """
    others: set[str] = client.describe_user_scram_credentials().keys() - set(known)
    if others:
        answers = client.alter_user_scram_credentials(
            [UserScramCredentialDeletion(one, ScramMechanism.SCRAM_SHA_512) for one in others]
        )
        if refused := {one: why for one, why in answers.items() if why}:
            raise StackFailed(f"Kafka keeps the passwords of {', '.join(refused)}: {next(iter(refused.values()))}")
    return others


def _properties(principal: str, secret: str) -> str:
    return (
        f"# The login of {principal!r} at the broker of this home; see docs/operate.md.\n"
        "security.protocol=SASL_PLAINTEXT\n"
        f"sasl.mechanism={_MECHANISMS.get(principal, 'SCRAM-SHA-512')}\n"
        f"sasl.jaas.config={jaas(principal, secret)}\n"
    )
