"""
Compare published figures with the figures that our models count.

Each authority and year is compared separately, so even a national file needs little memory.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from streams.dfe_check.events import records
from streams.dfe_check.lake import Counted, MemoryLake
from streams.dfe_check.tables import SYMBOLS, Figures, number
from streams.dfe_check.world import imagine
from streams.errors import PublishedFileInvalid
from streams.rules.compiled import compiled_rules
from streams.settings import Settings

__all__ = ["Checked", "Difference", "check", "compare"]

_ON_POPULATION = ("Referrals_rate", "Referrals_child_rate")
_NO_POPULATION = "the files have no population for the mid-year before"
_NO_REFERRALS = "the number of referrals is not published, so no events can be made"
_EMPTY = "0 of 0"


@dataclass(frozen=True)
class Difference:
    """A published figure that differs from our figure. `ours` is None if the models give no figure."""

    authority: str
    year: int
    table: str
    measure: str
    published: str
    ours: float | None


@dataclass
class Checked:
    """
    The results of comparing published figures with our figures.

    `left` counts the figures that could not be compared, by reason. The reason says what the published symbol
    means, or why there is nothing to compare.
    """

    authority_years: int = 0
    records: int = 0
    equal: int = 0
    left: Counter[str] = field(default_factory=Counter)
    different: list[Difference] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def compared(self) -> int:
        """Number of figures that were compared."""
        return self.equal + len(self.different)

    @property
    def ok(self) -> bool:
        """Whether at least one figure was compared and all compared figures are equal."""
        return bool(self.equal) and not self.different


def check(
    settings: Settings,
    figures: Sequence[Figures],
    *,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Checked:
    """
    Check the models against the published figures of each authority and year.

    For this, make events from the published figures, let the models count the events, and compare the counts with the
    published figures.

    Raises:
        PublishedFileInvalid: there is nothing to compare.
        RulesInvalid: dbt cannot compile the project.
    """
    if not figures:
        raise PublishedFileInvalid("no authority and year is left to compare; see --authority and --year")
    checked, began = Checked(), time.monotonic()
    with MemoryLake(compiled_rules(settings, with_build_rules=True), settings.max_record_bytes) as lake:
        for done, one in enumerate(figures, 1):
            checked.authority_years += 1
            if one.count("referrals", "Referrals") is None:
                _leave(checked, one)
            else:
                _check_one(lake, one, checked)
            progress(done, len(figures))
    checked.seconds = time.monotonic() - began
    return checked


def _check_one(lake: MemoryLake, figures: Figures, checked: Checked) -> None:
    # Build the marts as of one year after the end of the counted year, so that the cases of that year have had time to
    # close.
    as_of = datetime(figures.year + 1, 4, 1, tzinfo=UTC)
    sent = records(figures.authority, imagine(figures))
    lake.populate(figures.authority, figures.year - 1, figures.children)
    lake.land(sent, as_of)
    lake.build(as_of)
    checked.records += len(sent)
    compare(figures, lake.counted(figures.authority, figures.year), checked)


def compare(figures: Figures, ours: Mapping[tuple[str, str], Counted], checked: Checked) -> None:
    """Compare the figures of one authority and year. Add the equal, different and uncompared figures to `checked`."""
    total = figures.count("referrals", "Referrals")
    for (table, measure), text in figures.published.items():
        published = number(text)
        found = ours.get((table, measure), Counted(None, None))
        if published is None:
            checked.left[SYMBOLS[text]] += 1
        elif measure in _ON_POPULATION and found.mid_year != figures.year - 1:
            checked.left[_NO_POPULATION] += 1
        elif not total and not published:
            checked.left[_EMPTY] += 1
        elif found.value == published:
            checked.equal += 1
        else:
            checked.different.append(Difference(figures.authority, figures.year, table, measure, text, found.value))


def _leave(checked: Checked, figures: Figures) -> None:
    texts: Iterable[str] = figures.published.values()
    checked.left.update(SYMBOLS.get(text, _NO_REFERRALS) for text in texts)
