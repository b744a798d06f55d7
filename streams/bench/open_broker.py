"""A broker that lets everybody in, with which `./caf bench trust` compares the broker of a home."""

from dataclasses import replace

from streams.settings import Settings
from streams.stack import broker
from streams.stack.processes import Say

__all__ = ["start_open"]

_OPEN = {"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,CLIENT:PLAINTEXT"}


def start_open(settings: Settings, say: Say) -> Settings:
    """
    Start a broker without logins and rights, on the loopback address and with a home's other properties.

    To its clients, this broker is one that somebody else runs. No setting of a home starts it.

    Returns:
        The settings with which clients use this broker.

    Raises:
        StackFailed: the broker does not answer.
    """
    own = replace(settings, kafka=f"127.0.0.1:{settings.kafka_port}")
    broker.launch(own, _OPEN, say)
    return own
