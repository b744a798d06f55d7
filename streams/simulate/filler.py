"""Ordinary events for a live run: some about families that are already known, some about new families."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from streams.contracts.checks import Reason
from streams.simulate.background import any_family, early_help_referral, social_care_referral
from streams.simulate.borough import Borough
from streams.simulate.facts import Fact, Record, encode
from streams.simulate.malformed import REASONS, SPOILT, spoil
from streams.simulate.noise import Noise, amend_one
from streams.simulate.stories.contacts import contact, escalate

__all__ = ["Filler"]

_SIDE_BY_SIDE = 12
_FRONT = timedelta(hours=36)
_WEIGHTS = (60, 12, 18, 10)


class Filler:
    """Runs twelve small stories side by side. Each call of `records` yields the next event of one of them."""

    def __init__(self, boroughs: list[Borough], noise: Noise, rng: Random) -> None:
        self._boroughs, self._noise, self._rng = boroughs, noise, rng
        self._known = {
            borough.authority: [family for family in borough.families if family.known_from] for borough in boroughs
        }
        self._running: list[deque[tuple[Borough, Fact]]] = []
        self._recent: deque[tuple[Borough, Fact]] = deque(maxlen=400)
        self._reasons = _cycle(REASONS)

    def records(self, now: datetime) -> Iterator[Record]:
        """
        Yield the next event. Sometimes also yield a duplicate, a malformed copy, or an amendment of an earlier event,
        as often as the rates in `noise` say.
        """
        rng, noise = self._rng, self._noise
        borough, fact = self._next(now)
        fact = fact._replace(at=self._stamp(now))
        record = encode(fact, backfill=False)
        yield record
        if rng.random() < noise.duplicates:
            yield record
        if rng.random() < noise.malformed and isinstance(fact.data, SPOILT):
            yield spoil(fact, next(self._reasons), borough.ids, at=now, backfill=False)[0]
        if self._recent and rng.random() < noise.corrected + noise.withdrawn:
            where, earlier = rng.choice(self._recent)
            written = len(where.facts)
            yield from (encode(one, backfill=False) for one in amend_one(where, earlier, now, noise, rng))
            del where.facts[written:]
        self._recent.append((borough, fact))

    def _stamp(self, now: datetime) -> datetime:
        """
        Return the time to give to an event: usually `now`, and an earlier time if the event is late or out of
        order.
        """
        draw = self._rng.random()
        if draw < self._noise.late:
            return now - timedelta(minutes=self._rng.uniform(10, 360))
        if draw < self._noise.late + self._noise.out_of_order:
            return now - timedelta(seconds=self._rng.uniform(2, 120))
        return now

    def _next(self, now: datetime) -> tuple[Borough, Fact]:
        while len(self._running) < _SIDE_BY_SIDE:
            self._running.append(self._story(now))
        number = self._rng.randrange(len(self._running))
        story = self._running[number]
        one = story.popleft()
        if not story:
            self._running.pop(number)
        return one

    def _story(self, now: datetime) -> deque[tuple[Borough, Fact]]:
        """Make the events of a small story in time order, up to 36 hours after the present time."""
        borough = self._rng.choice(self._boroughs)
        written = len(borough.facts)
        family = any_family(borough, self._known[borough.authority], now)
        match self._rng.choices(("contact", "escalation", "social care", "early help"), _WEIGHTS)[0]:
            case "contact":
                contact(borough, family, now)
            case "escalation":
                escalate(borough, family, now)
            case "social care":
                social_care_referral(borough, now)
            case "early help":
                early_help_referral(borough, now)
        facts = [fact for fact in borough.facts[written:] if fact.at <= now + _FRONT]
        del borough.facts[written:]
        return deque((borough, fact) for fact in sorted(facts, key=lambda fact: fact.at))


def _cycle(reasons: tuple[Reason, ...]) -> Iterator[Reason]:
    while True:
        yield from reasons
