"""The dashboard's pages as a service of the stack."""

import sys

from streams.settings import Settings
from streams.stack.stack import Service

__all__ = ["NAME", "service"]

NAME = "pages"


def service(settings: Settings) -> Service:
    """Return the service that shows the pages of a home."""
    address = f"http://{settings.dashboard_host}:{settings.dashboard_port}"
    return Service(name=NAME, command=(sys.executable, "-m", "streams.cli", NAME), address=address)
