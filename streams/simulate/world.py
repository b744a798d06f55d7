"""
The simulated world, made from a seed. The same seed, authorities, window and options always give the same bytes.

Families, addresses, schools, workers and organisations are invented. Areas, and the numbers of events, come from
published data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b
from heapq import merge
from random import Random

from streams.errors import SettingInvalid
from streams.simulate.background import live_through
from streams.simulate.borough import Borough
from streams.simulate.calibration import AUTHORITIES
from streams.simulate.emergencies import open_in_emergencies
from streams.simulate.facts import Fact, Ids, Record, encode
from streams.simulate.follow_up import follow_up, partners_take_part
from streams.simulate.malformed import malformed
from streams.simulate.noise import Noise, Sending, amend, schedule
from streams.simulate.planted import OPENINGS, OTHERS, plant
from streams.simulate.planted.live import cast
from streams.simulate.truth import Claim

__all__ = ["World"]

_LATER = 10
"""
How many times more often follow-ups arrive late than other events. Follow-ups are often late because partners send them
in periodic returns.
"""


class World:
    """
    The events of some authorities from `start` to `end`, and the later events of stories that have not ended by then.

    A planted story begins before `start` if its rule looks back a year.

    Args:
        seed: Seed of all random numbers.
        authorities: GSS codes.
        start: Start of the window in which the numbers of events are fitted to the published figures.
        end: End of the history. A live run continues from there.
        stories: How many times each planted story is written in each authority.
        noise: How often each fault occurs when events are sent.
        backfill: Whether events of the window are marked as history. Alerts about history go to nobody.

    Raises:
        SettingInvalid: an authority has no published figures, or the window is empty.
    """

    def __init__(
        self,
        seed: int,
        authorities: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        stories: int = 2,
        noise: Noise | None = None,
        backfill: bool = True,
    ) -> None:
        if start >= end:
            raise SettingInvalid(f"the window starts at {start} and ends at {end}; allowed: an end after its start")
        if unknown := set(authorities) - set(AUTHORITIES):
            raise SettingInvalid(f"no figures for {', '.join(sorted(unknown))}; known: {', '.join(AUTHORITIES)}")
        self.authorities = tuple(dict.fromkeys(authorities))
        self.start, self.end = start.astimezone(UTC), end.astimezone(UTC)
        self.noise, self.backfill = noise or Noise(), backfill
        self.name = f"{seed}/{'+'.join(self.authorities)}/{self.start}/{self.end}/{stories}/{self.noise}/{backfill}"
        self.ids = Ids(blake2b(self.name.encode(), digest_size=3).hexdigest())
        self.boroughs = [Borough(code, self.ids, self.name, self.start, self.end) for code in self.authorities]
        self._planted: list[Claim] = []
        self._followed: list[Fact] = []
        for borough in self.boroughs:
            live_through(borough)
            partners_take_part(borough)
            self._followed += follow_up(borough)
            amend(borough, self.noise, Random(f"{self.name}/amend"))
            self._planted += plant(borough, stories, OTHERS)
        self.cast = [player for borough in self.boroughs for player in cast(borough)]
        self._opened = [fact for borough in self.boroughs for fact in self._openings(borough, stories)]

    @cached_property
    def facts(self) -> list[Fact]:
        """All facts, including those after `end`, sorted by the time at which they happened."""
        return sorted([*self._told, *self._followed, *self._opened], key=lambda fact: (fact.at, fact.id))

    @property
    def claims(self) -> list[Claim]:
        """
        Claims that say which alerts the planted stories and the unreadable records must raise, and which they must not
        raise.
        """
        return self._planted + self._history[1]

    def records(self) -> Iterator[Record]:
        """Yield the records of the history, in the order in which they are sent."""
        return iter(self._history[0])

    @property
    def _told(self) -> list[Fact]:
        """All facts except the follow-ups."""
        return [fact for borough in self.boroughs for fact in borough.facts]

    def _openings(self, borough: Borough, stories: int) -> list[Fact]:
        """Let desks open families of a borough, in stories and in between. The events are kept out of the borough."""
        ids = Ids(f"{self.ids.tag}o{self.boroughs.index(borough)}")
        aside = Borough(borough.authority, ids, f"{self.name}/opened", self.start, self.end)
        open_in_emergencies(aside, borough.families)
        self._planted += plant(aside, stories, OPENINGS)
        return aside.facts

    @cached_property
    def _history(self) -> tuple[list[Record], list[Claim]]:
        sendings = self._schedule(self._told, self.noise, "schedule")
        rng = Random(f"{self.name}/malformed")
        spoilt, claims = malformed(sendings, self.noise.malformed, self.ids, rng, backfill=self.backfill)
        later = replace(self.noise, late=min(1.0, self.noise.late * _LATER))
        followed = self._schedule(self._followed, later, "follow_up")
        opened = self._schedule(self._opened, self.noise, "opened")
        records = (
            self._sent(sendings),
            sorted(spoilt, key=lambda record: record.at),
            self._sent(followed),
            self._sent(opened),
        )
        return list(merge(*records, key=lambda record: record.at)), claims

    def _schedule(self, facts: list[Fact], noise: Noise, stream: str) -> list[Sending]:
        """Plan when the facts of the window are sent. Each value of `stream` has its own random numbers."""
        past = sorted((fact for fact in facts if fact.at < self.end), key=lambda fact: (fact.at, fact.id))
        return schedule(past, self.end, noise, Random(f"{self.name}/{stream}"))

    def _sent(self, sendings: list[Sending]) -> Iterator[Record]:
        return (encode(sending.fact, backfill=self.backfill)._replace(at=sending.at) for sending in sendings)
