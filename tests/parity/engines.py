"""A full comparison of the results of two engines on the same events."""

from collections import Counter

from streams.rules.answers import Evaluation

__all__ = ["difference_of_engines"]


def difference_of_engines(one: Evaluation, other: Evaluation) -> list[str]:
    """
    One line for each alert, deadline or action that differs between two engines or that one engine lacks.

    Text, order and times are compared.
    """
    lines = []
    for name in ("alerts", "deadlines", "actions"):
        rows, others = (Counter(map(repr, getattr(each, name))) for each in (one, other))
        lines += [f"only the first   {row}" for row in rows - others]
        lines += [f"only the second  {row}" for row in others - rows]
    return lines
