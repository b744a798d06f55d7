"""The name of the user who runs this process. The name is stored with decisions."""

import getpass
import os

__all__ = ["login"]


def login() -> str:
    """Return the login name. If the user has none, as in some containers, return a text with the user id."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
