"""Text as SQL writes it."""

__all__ = ["quoted"]


def quoted(text: object) -> str:
    """A string literal, for statements that take no parameter: ATTACH, COMMENT."""
    return "'" + str(text).replace("'", "''") + "'"
