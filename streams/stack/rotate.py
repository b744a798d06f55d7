"""
The secrets of a home, and how each is replaced while the stack runs.

The files are the truth: each start of the broker stores the passwords of the files at the broker. So if a rotation is
interrupted, the next start repairs it.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from kafka.errors import KafkaError

from streams.errors import SettingInvalid, StackFailed
from streams.kafka.login import secret_file
from streams.kafka.partners import partners
from streams.kafka.rights import principals
from streams.settings import Settings
from streams.stack import airflow, broker, processes
from streams.stack.broker_secrets import BROKER, locked, new_password, password, tell_broker, write_password
from streams.stack.processes import Say

__all__ = ["Secret", "choose", "secrets_of"]


@dataclass(frozen=True, kw_only=True)
class Secret:
    """
    One secret of a home.

    Attributes:
        name: how users name the secret.
        file: where it is kept.
        opens: what somebody can do who knows it.
        renew: replaces it. The function may restart a server, and says so.
        restarts: the server that `renew` restarts if it is running, or an empty text.
    """

    name: str
    file: Path
    opens: str
    renew: Callable[[Say], None]
    restarts: str = ""

    @property
    def since(self) -> datetime:
        """When the secret was made."""
        return datetime.fromtimestamp(self.file.stat().st_mtime, UTC)


def secrets_of(settings: Settings) -> list[Secret]:
    """Return the secrets of the home's servers that exist, in the order in which they are replaced."""
    home = settings.home
    found = [
        Secret(
            name=f"{broker.NAME}/{one}",
            file=secret_file(home, one),
            opens=f"use the broker as {one}",
            renew=partial(_renew_principal, settings, one),
        )
        for one in principals(partners(settings))
    ]
    found += [
        Secret(
            name=f"{broker.NAME}/{BROKER}",
            file=secret_file(home, BROKER),
            opens="do everything at the broker; the broker's own",
            renew=partial(_renew_broker, settings),
            restarts="Kafka",
        ),
        Secret(
            name=f"{airflow.NAME}/password",
            file=airflow.password_file(home),
            opens="log in to Airflow, as admin or approver",
            renew=lambda _: airflow.new_passwords(home),
        ),
        Secret(
            name=f"{airflow.NAME}/token-key",
            file=airflow.token_key_file(home),
            opens="make logins and tasks that Airflow believes",
            renew=partial(_renew_token_key, settings),
            restarts="Airflow",
        ),
    ]
    return [one for one in found if one.file.exists()]


def choose(found: list[Secret], names: tuple[str, ...]) -> list[Secret]:
    """
    Return the secrets with these names, or all secrets if no name is given.

    Raises:
        SettingInvalid: no secret has one of the names.
    """
    known = [one.name for one in found]
    if unknown := [name for name in names if name not in known]:
        raise SettingInvalid(f"this home has no secret {unknown[0]!r}; known: {', '.join(known) or 'none'}")
    return [one for one in found if not names or one.name in names]


def _renew_principal(settings: Settings, principal: str, _: Say) -> None:
    """
    Give a principal a new password, first at the broker and then in its file.

    If the broker refuses, nothing has changed. Between the two steps, a login with the old password of the file fails.
    The client then tries again and reads the new one. If the file cannot be written, the broker gets the old password
    again.

    Raises:
        StackFailed: the broker does not answer, or refuses the password, or the file cannot be written.
    """
    with locked(settings.home):
        secret = new_password()
        _tell_broker(settings, principal, secret)
        try:
            write_password(settings.home, principal, secret)
        except OSError as error:
            _tell_broker(settings, principal, password(settings.home, principal))
            why = f"{error.strerror}; the old password is valid"
            raise StackFailed(f"the new password of {principal} cannot be written: {why}") from error


def _tell_broker(settings: Settings, principal: str, secret: str) -> None:
    if not _runs(settings, broker.NAME):
        return
    try:
        with closing(broker.admin(settings)) as client:
            tell_broker(client, {principal: secret})
    except KafkaError as error:
        why = f"{type(error).__name__}; run './caf up', and then this command again"
        raise StackFailed(f"Kafka did not take the new password of {principal}: {why}") from error


def _renew_broker(settings: Settings, say: Say) -> None:
    """Give the broker a new password. Only a start reads it. The start also ends all connections."""
    with locked(settings.home):
        write_password(settings.home, BROKER, new_password())
    if _runs(settings, broker.NAME):
        say("Starting Kafka again …")
        broker.start(settings, say)


def _renew_token_key(settings: Settings, say: Say) -> None:
    """Stop Airflow before the key changes, because all its components must use the same key."""
    ran = _runs(settings, airflow.NAME)
    if ran:
        say("Stopping Airflow …")
        airflow.stop(settings)
    airflow.new_token_key(settings.home)
    if ran:
        airflow.start(settings, say)


def _runs(settings: Settings, name: str) -> bool:
    started = processes.find(settings.home, name)
    return started is not None and started.alive
