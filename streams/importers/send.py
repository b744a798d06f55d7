"""A census file on the topics: what it tells that its authority's returns have not told yet."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import structlog

from streams.errors import BrokerUnavailable, ImportFileInvalid, LakeUnavailable
from streams.importers.already_told import Told
from streams.importers.cin_messages import Message
from streams.importers.cin_xml import Imported, read_cin_xml
from streams.kafka.client import producer
from streams.kafka.topics import ensure_topics
from streams.lake.advisory import advisory_lock
from streams.lake.connect import connect
from streams.lake.generations import numbered_ends
from streams.lake.lock_keys import LockKey
from streams.lake.offsets import wait_until_landed
from streams.names import CASE_CHANGE, REFERRAL
from streams.settings import Settings

__all__ = ["import_cin_xml"]

log = structlog.get_logger()

_PATIENCE_SECONDS = {True: 120.0, False: 10.0}
"""How long to wait for what has arrived to land: a resubmission must know it all, a first return would like to."""

_MOST_REJECTED = 0.5
"""Share of rejected children above which a file says nothing about its year."""
_MOST_LEFT_OUT = 0.5
_FEW_CHILDREN = 20
"""Share of a year's children above which a resubmission that leaves them out is taken for a mistake, and how many."""


def import_cin_xml(
    settings: Settings,
    path: Path,
    *,
    is_resubmission: bool = False,
    is_dry_run: bool = False,
    may_leave_out_most: bool = False,
    today: date | None = None,
    progress: Callable[[int], None] = lambda _bytes: None,
) -> Imported:
    """
    Read a census file whole, compare it with what the lake has of its year, and send the difference.

    A first return adds what has not been told. With a resubmission nothing else counts of its year: what it says
    otherwise is corrected, and what it leaves out is withdrawn, or falls back to what an earlier year tells.

    Raises:
        ImportFileInvalid: the file is not a census of a known year and authority, or must not be sent as what it is
            said to be; nothing was sent.
        BrokerUnavailable: events were not acknowledged; the same import again completes it.
        LakeUnavailable: what has been told before cannot be read.
    """
    ensure_topics(settings)
    with advisory_lock(settings, LockKey.IMPORT), connect(settings, marts=None) as lake:
        arrived = numbered_ends(settings, (REFERRAL, CASE_CHANGE))
        if not wait_until_landed(lake, arrived, _PATIENCE_SECONDS[is_resubmission]) and is_resubmission:
            raise LakeUnavailable("the lake is behind the topics, so what a return said is not known; see './caf land'")
        told = Told(lake)
        done = read_cin_xml(settings, path, told.add, today=today, progress=progress)
        if _is_withheld(done):
            return done
        done.differences = told.compare()
        if is_resubmission:
            _must_leave_out_few(told, may_leave_out_most=may_leave_out_most or is_dry_run)
        elif told.is_contradicted():
            raise ImportFileInvalid(
                f"a return of {done.year} has been imported that says otherwise; nothing was sent. "
                "Import the file with --resubmission if it is to replace that one (--dry-run shows what would change)"
            )
        if not is_dry_run:
            with _sending(settings) as send:
                for event in told.events(is_resubmission=is_resubmission):
                    send(event)
    log.info("cin_imported", authority=done.authority, year=done.year, children=done.children, rejected=done.rejected)
    return done


def _is_withheld(done: Imported) -> bool:
    """Whether nothing may be sent of a file, and why."""
    if done.broken is not None:
        done.withheld = "the file could not be read to its end"
    elif done.rejected > done.children * _MOST_REJECTED:
        done.withheld = "most of its children are rejected"
    return done.withheld is not None


def _must_leave_out_few(told: Told, *, may_leave_out_most: bool) -> None:
    """
    A file of some children must not take the others of its year away by mistake.

    Raises:
        ImportFileInvalid: it would leave out most of the year's children.
    """
    left_out, known = told.children_left_out()
    if not may_leave_out_most and left_out > max(known * _MOST_LEFT_OUT, _FEW_CHILDREN):
        raise ImportFileInvalid(
            f"the file says nothing of {left_out:,} of the {known:,} children that the year's return told of; nothing "
            "was sent. Add --yes if it is the whole of its year all the same"
        )


@contextmanager
def _sending(settings: Settings) -> Iterator[Callable[[Message], None]]:
    """A function that sends to the topics; leaving the block waits until all is acknowledged."""
    client = producer(settings, linger_ms=20)
    failures: list[BaseException] = []

    def send(event: Message) -> None:
        client.send(event.topic, key=event.key, value=event.value).add_errback(failures.append)
        _all_acknowledged(failures)

    try:
        yield send
        client.flush()
        _all_acknowledged(failures)
    finally:
        client.close()


def _all_acknowledged(failures: list[BaseException]) -> None:
    if failures:
        raise BrokerUnavailable(
            f"{len(failures)} events were not acknowledged ({type(failures[0]).__name__}); "
            "run the same import again, it adds nothing twice"
        )
