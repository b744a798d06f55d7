"""
Let a client that connects again use the password that is valid then.

kafka-python keeps the password of its first connection. A part runs for weeks, and its password may be replaced in the
meantime. So the part must read its login again whenever it connects.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Self

from kafka.net.sasl import get_sasl_mechanism, register_sasl_mechanism

from streams.errors import CafError

__all__ = ["FreshPassword"]

_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class FreshPassword(str):
    """A password as it was read first, and a function that reads the login again, in the words of kafka-python."""

    read: Callable[[], Mapping[str, object]]

    def __new__(cls, text: str, read: Callable[[], Mapping[str, object]]) -> Self:
        """Return the password `text`."""
        made = super().__new__(cls, text)
        made.read = read
        return made


def _reading_again(mechanism: Callable[..., Any]) -> Callable[..., Any]:
    """Return a mechanism that reads the login again before each use. If that fails, it uses the earlier login."""

    def begin(**config: Any) -> Any:
        given = config.get("sasl_plain_password")
        if isinstance(given, FreshPassword):
            with suppress(CafError):
                config |= given.read()
        return mechanism(**config)

    return begin


for _name in _MECHANISMS:
    register_sasl_mechanism(_name, _reading_again(get_sasl_mechanism(_name)), overwrite=True)
