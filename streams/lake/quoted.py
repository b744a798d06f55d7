"""Text as an SQL string literal."""

__all__ = ["quoted"]


def quoted(text: object) -> str:
    """Return a text as an SQL string literal, for statements that take no parameters: ATTACH and COMMENT."""
    return "'" + str(text).replace("'", "''") + "'"
