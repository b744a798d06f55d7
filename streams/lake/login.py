"""The name of the user who runs this process. It is stored with decisions."""

import getpass
import os

__all__ = ["login"]


def login() -> str:
    """The login name; a container may run under a number that has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
