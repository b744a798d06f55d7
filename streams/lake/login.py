"""The name of the user who runs this process. The name is stored with decisions."""

import getpass
import os

__all__ = ["login"]


def login() -> str:
    """Return the login name; a user without a name, as in some containers, gets a text with the user id."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
