"""Ports of the loopback address."""

import socket

from streams.errors import PortTaken

__all__ = ["check_port", "free_ports", "listens"]

LOOPBACK = "127.0.0.1"


def check_port(port: int, variable: str) -> None:
    """
    Make sure that a server could listen on a port of the loopback address.

    Raises:
        PortTaken: another program does; the message names the setting to change.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise PortTaken(f"port {port} is taken by another program; set {variable} to a free one") from None


def free_ports(count: int) -> list[int]:
    """Different ports on which nobody listens just now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def listens(port: int) -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
