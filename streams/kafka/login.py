"""
How a client logs in to the broker.

The login comes from a file of client properties, in the form that Kafka's own tools read. The home has such a file for
each principal of its embedded broker. For brokers elsewhere, the setting `kafka_config` names the file that the
platform team hands out, or a folder with a file for each principal.

Source: https://kafka.apache.org/documentation/#security
"""

import logging
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import structlog

from streams.errors import BrokerUnavailable, SettingInvalid
from streams.kafka.relogin import FreshPassword
from streams.settings import Settings

__all__ = ["librdkafka_login", "login", "properties", "secret_file"]

log = structlog.get_logger()

_JAAS = re.compile(r"""(\w+)=(["'])((?:(?!\2)[^\\]|\\.)*)\2""")
_PYTHON = {
    "security.protocol": "security_protocol",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.username": "sasl_plain_username",
    "sasl.password": "sasl_plain_password",
    "ssl.ca.location": "ssl_cafile",
    "ssl.certificate.location": "ssl_certfile",
    "ssl.key.location": "ssl_keyfile",
    "ssl.key.password": "ssl_password",
}
"""The properties that are used, each with its name in kafka-python. The names are those of librdkafka."""
_JAVA = {"ssl.truststore.location": "ssl.ca.location", "ssl.keystore.location": "ssl.certificate.location"}
"""Properties that Java spells differently. The stores must be PEM files."""
_IGNORED = frozenset({"bootstrap.servers", "ssl.truststore.type", "ssl.keystore.type"})
_ALLOWED = frozenset({*_PYTHON, *_JAVA, "sasl.jaas.config"})
_FILES = frozenset({"ssl.ca.location", "ssl.certificate.location", "ssl.key.location"})
_SECURITY = frozenset({"sasl", "ssl", "security"})
"""A property whose name contains one of these words concerns the login."""


def secret_file(home: Path, principal: str) -> Path:
    """Return the file with the client properties of a principal of the embedded broker."""
    return home / "secrets" / "kafka" / f"{principal}.properties"


def login(settings: Settings) -> dict[str, object]:
    """
    Return the options with which kafka-python logs in to the broker. A client that connects again later uses the
    password that is valid then.

    Raises:
        BrokerUnavailable: this user must not read the login of the home's broker.
        SettingInvalid: the file of client properties is missing, or contains a property that is not supported.
    """
    if not settings.kafka:
        # The embedded broker listens on the loopback address, where a login without encryption needs no warning.
        logging.getLogger("kafka.net.sasl").setLevel(logging.ERROR)
    options: dict[str, object] = dict(_options(settings))
    if "sasl_plain_password" in options:
        options["sasl_plain_password"] = FreshPassword(str(options["sasl_plain_password"]), lambda: _options(settings))
    return options


def _options(settings: Settings) -> dict[str, str]:
    return {_PYTHON[name]: value for name, value in librdkafka_login(settings).items()}


def librdkafka_login(settings: Settings) -> dict[str, str]:
    """Return the same login as `login` does, in the words of librdkafka."""
    if settings.kafka:
        given = Path(settings.kafka_config)
        if given.is_dir():
            given /= f"{settings.principal}.properties"
        try:
            return properties(given) if settings.kafka_config else {}
        except FileNotFoundError:
            raise SettingInvalid(f"CAF_KAFKA_CONFIG names a missing file: {given}") from None
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise SettingInvalid(f"CAF_KAFKA_CONFIG names a file that cannot be read ({why})") from None
    file = secret_file(settings.home, settings.principal)
    try:
        return properties(file)
    except FileNotFoundError:
        return {}  # the broker of this home has never been started
    except PermissionError:
        raise BrokerUnavailable(
            f"only the owner of {settings.home} can use its broker; "
            f"the file with the login of {settings.principal!r} is closed to you"
        ) from None


def properties(file: Path) -> dict[str, str]:
    """
    Read a file of client properties, in Java's or librdkafka's words. Return the login in librdkafka's words.

    Properties that do not concern the login, such as `acks`, are left out. A log line names them.

    Raises:
        FileNotFoundError: there is no such file.
        PermissionError: this user must not read the file.
        SettingInvalid: a property that concerns the login is not supported, or has no value, or names a file that
            cannot be read.
    """
    found: dict[str, str] = {}
    left_out: list[str] = []
    for number, text in _lines(file):
        name, separator, value = (part.strip() for part in text.partition("="))
        if not separator:
            raise SettingInvalid(f"{file}, line {number}: a property is written as name=value")
        if name == "sasl.jaas.config":
            found |= _from_jaas(value, file, number)
        elif (known := _JAVA.get(name, name)) in _PYTHON:
            found[known] = value
            if known in _FILES:
                _check_readable(name, Path(value), file, number)
        elif name not in _IGNORED:
            if _concerns_login(name):
                allowed = ", ".join(sorted(_ALLOWED))
                raise SettingInvalid(f"{file}, line {number}: the property {name} is not supported; allowed: {allowed}")
            left_out.append(name)
    if left_out:
        _report(file, tuple(left_out))
    return found


def _concerns_login(name: str) -> bool:
    """Return whether a property concerns the login, or is so similar to one that does that it may be misspelt."""
    is_named = not _SECURITY.isdisjoint(re.split(r"[._-]", name.lower()))
    return is_named or bool(get_close_matches(name.lower(), _ALLOWED, cutoff=0.8))


def _check_readable(name: str, named: Path, file: Path, number: int) -> None:
    try:
        named.open("rb").close()
    except OSError as error:
        raise SettingInvalid(
            f"{file}, line {number}: {name} names a file that cannot be read: {named} ({error.strerror})"
        ) from None


@cache
def _report(file: Path, names: tuple[str, ...]) -> None:
    """Say once in each process which settings are left out. Every client reads the file."""
    log.info("client_settings_left_out", file=str(file), names=" ".join(names), why="they do not concern the login")


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the properties of a file, each with its last line number. A backslash at the end continues a line."""
    begun = ""
    for number, line in enumerate(file.read_text().splitlines(), 1):
        text = begun + line.strip()
        begun = text[:-1] if text.endswith("\\") else ""
        if text and not begun and not text.startswith(("#", "!")):
            yield number, text


def _from_jaas(value: str, file: Path, number: int) -> dict[str, str]:
    """Read name and password from Java's login configuration."""
    options: Mapping[str, str] = {name: text for name, _, text in _JAAS.findall(value)}
    if not {"username", "password"} <= options.keys():
        raise SettingInvalid(f"{file}, line {number}: sasl.jaas.config needs username and password")
    return {f"sasl.{name}": re.sub(r"\\(.)", r"\1", options[name]) for name in ("username", "password")}
