"""Text as a literal of SQL."""

__all__ = ["quoted"]


def quoted(text: object) -> str:
    """Write a string literal, for statements that take no parameter: ATTACH, COMMENT."""
    return "'" + str(text).replace("'", "''") + "'"
