"""The results of two engines on the same events, compared in full."""

from collections import Counter

from streams.rules.answers import Evaluation

__all__ = ["difference_of_engines"]


def difference_of_engines(one: Evaluation, other: Evaluation) -> list[str]:
    """A line for each alert, deadline or action that one engine lacks or has differently: text, order and times."""
    lines = []
    for name in ("alerts", "deadlines", "actions"):
        rows, others = (Counter(map(repr, getattr(each, name))) for each in (one, other))
        lines += [f"only the first   {row}" for row in rows - others]
        lines += [f"only the second  {row}" for row in others - rows]
    return lines
