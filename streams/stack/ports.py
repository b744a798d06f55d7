"""Ports of the loopback address."""

import errno
import socket

from streams.errors import PortTaken

__all__ = ["check_port", "free_ports", "listens"]

LOOPBACK = "127.0.0.1"
_ANSWER_SECONDS = 5


def check_port(port: int, variable: str) -> None:
    """
    Check that a server could listen on a port of the loopback address.

    Raises:
        PortTaken: another program listens on the port, or this user is not allowed to use the port. The message names
            the setting to change.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen()
            socket.create_connection((LOOPBACK, port), timeout=_ANSWER_SECONDS).close()
        except OverflowError:
            raise PortTaken(f"{variable} is {port}; allowed: 1024 to 65535") from None
        except OSError as error:
            raise PortTaken(_why_not(error, port, variable)) from None


def _why_not(error: OSError, port: int, variable: str) -> str:
    if error.errno in {errno.EADDRNOTAVAIL, errno.ENETUNREACH, errno.EHOSTUNREACH, None}:
        return f"the address {LOOPBACK} does not answer; bring the loopback interface up ('ip link set lo up')"
    if error.errno == errno.EACCES:
        return f"port {port} is reserved for the administrator; set {variable} to one above 1023"
    return f"port {port} is taken by another program; set {variable} to a free one"


def free_ports(count: int) -> list[int]:
    """Return `count` distinct ports on which no program listens at the moment."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def listens(port: int) -> bool:
    """Return whether a program listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
