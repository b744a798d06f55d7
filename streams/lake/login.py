"""Who runs this process, for what is stored with a decision."""

import getpass
import os

__all__ = ["login"]


def login() -> str:
    """The login; a container may run under a number that has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
