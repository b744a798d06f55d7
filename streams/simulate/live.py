"""
Send a live run: the live stories, ordinary events, and events of earlier stories that go on after the history
ends.
"""

import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from random import Random
from threading import Event

import structlog

from streams.contracts.checks import Reason
from streams.kafka.topics import ensure_topics
from streams.settings import Settings
from streams.simulate.facts import Fact, encode
from streams.simulate.filler import Filler
from streams.simulate.malformed import spoil
from streams.simulate.planted.live import Player, cast
from streams.simulate.produce import Progress
from streams.simulate.sender import Produced, Sender
from streams.simulate.truth import Claim
from streams.simulate.world import World

__all__ = ["live"]

log = structlog.get_logger()

_TICK = 0.005
_FIRST_ACT = 3.0
_LONGEST_PAUSE = 8.0
_FINISH_BEFORE = 30.0

Announce = Callable[[Claim], None]


def live(
    settings: Settings,
    world: World,
    *,
    rate: float,
    seconds: float | None = None,
    stop: Event | None = None,
    new_cast: bool = False,
    announce: Announce = lambda _: None,
    progress: Progress = lambda _: None,
) -> Produced:
    """
    Continue a world after its end. New events happen at the present time.

    First, the events between the world's end and now are sent, marked as history. Then ordinary events follow at the
    given rate, and every live story acts once. If `seconds` is long enough, the last story acts half a minute before
    the run ends.

    Args:
        settings: Settings that name the broker.
        world: The world whose history has already been sent.
        rate: Ordinary events per second, in all authorities together.
        seconds: Length of the run. If it is None, the run lasts until `stop` is set.
        stop: An event that ends the run when it is set.
        new_cast: Whether the live stories are about new families, whose history is sent first. Set this for a second
            run on the same history.
        announce: Called with each claim of a story, as soon as the story has acted.
        progress: Called with the number of records sent so far.

    Raises:
        BrokerUnavailable: no broker answers.
        KafkaError: a record was not acknowledged.
    """
    ensure_topics(settings)
    run = _Run(Sender(settings, linger_ms=0), world, announce, new_cast=new_cast)
    run.catch_up()
    run.play(rate, seconds, stop or Event(), progress)
    produced = run.close()
    log.info("live_run_ended", records=produced.total, seconds=round(produced.elapsed, 1), claims=len(produced.claims))
    return produced


class _Run:
    def __init__(self, sender: Sender, world: World, announce: Announce, *, new_cast: bool) -> None:
        now = datetime.now(UTC)
        self._sender, self._world, self._announce = sender, world, announce
        # These events are marked as history even if they happen during the run, so that a second run sends the same
        # bytes.
        under_way = (encode(fact, backfill=True) for fact in world.facts if fact.at >= world.end)
        self._due = [(record.at, number, record) for number, record in enumerate(under_way)]
        self._order = count(len(self._due))
        heapq.heapify(self._due)
        world.ids.retag(f"{world.ids.tag}l{int(now.timestamp()):x}")
        self._rng = Random(f"{world.name}/{now}")
        self._filler = Filler(world.boroughs, world.noise, self._rng)
        self._players: list[Player] = self._new_cast() if new_cast else list(world.cast)
        self._claims: list[Claim] = []

    def catch_up(self) -> None:
        """Send the events from the world's end until now, marked as history."""
        self._send_due(datetime.now(UTC))

    def play(self, rate: float, seconds: float | None, stop: Event, progress: Progress) -> None:
        """Send events until the run ends: the events that are due, and ordinary events at the given rate."""
        began, ordinary, acted = time.monotonic(), 0, 0
        pause = _pause_between(len(self._players) + 1, seconds)
        while not stop.wait(_TICK):
            elapsed = time.monotonic() - began
            if seconds is not None and elapsed >= seconds:
                break
            now = datetime.now(UTC)
            if acted <= len(self._players) and elapsed >= _FIRST_ACT + acted * pause:
                self._act(acted, now)
                acted += 1
            self._send_due(now)
            while ordinary < elapsed * rate:
                for record in self._filler.records(datetime.now(UTC)):
                    self._sender.send(record)
                ordinary += 1
            progress(self._sender.sent)

    def close(self) -> Produced:
        """Wait until the broker has acknowledged all records."""
        return self._sender.close(self._claims)

    def _act(self, number: int, now: datetime) -> None:
        """Let the next live story act. After the last story, send an unreadable record."""
        if number < len(self._players):
            facts, claims = self._players[number].act(now)
            self._push(facts)
        else:
            claims = [self._send_unreadable(now)]
        self._claims += claims
        for claim in claims:
            self._announce(claim)

    def _send_unreadable(self, now: datetime) -> Claim:
        borough = self._world.boroughs[0]
        facts = [fact for fact in reversed(borough.facts) if fact.topic.startswith("caf.referral")]
        record, claim = spoil(facts[0], Reason.NOT_JSON, borough.ids, at=now, backfill=False)
        self._sender.send(record)
        return claim

    def _new_cast(self) -> list[Player]:
        players = []
        for borough in self._world.boroughs:
            written = len(borough.facts)
            players += cast(borough)
            for fact in sorted(borough.facts[written:], key=lambda fact: fact.at):
                self._sender.send(encode(fact, backfill=True))
        return players

    def _push(self, facts: list[Fact]) -> None:
        for fact in facts:
            heapq.heappush(self._due, (fact.at, next(self._order), encode(fact, backfill=False)))

    def _send_due(self, now: datetime) -> None:
        while self._due and self._due[0][0] <= now:
            self._sender.send(heapq.heappop(self._due)[2])


def _pause_between(acts: int, seconds: float | None) -> float:
    """Compute the pause between two acts in seconds, so that the alerts of the last act have time to arrive."""
    if seconds is None:
        return _LONGEST_PAUSE
    return min(_LONGEST_PAUSE, max(0.0, (seconds - _FIRST_ACT - min(_FINISH_BEFORE, seconds / 4)) / acts))
