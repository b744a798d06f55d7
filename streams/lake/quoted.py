"""Write a text as an SQL string literal."""

__all__ = ["quoted"]


def quoted(text: object) -> str:
    """Return a text as an SQL string literal, for ATTACH and COMMENT, which take no parameters."""
    return "'" + str(text).replace("'", "''") + "'"
