"""Import a census file: send the facts that the authority's earlier returns have not sent already."""

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
"""
How many seconds to wait until everything on the topics has landed. The key says whether the file is a resubmission.

When this time is over, the import of a resubmission fails, but the import of a first return continues.
"""

_MOST_REJECTED = 0.5
"""
The highest allowed share of rejected children. If a larger share of a file's children is rejected, nothing is sent.
"""
_MOST_LEFT_OUT = 0.5
_FEW_CHILDREN = 20
"""
A number of children that a resubmission may always leave out.

A resubmission may also leave out the share `_MOST_LEFT_OUT` of the children that its year had before. If it leaves out
more than both limits allow, this looks like a mistake.
"""


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
    Read a whole census file, compare it with the facts that the lake has for its year, and send the differences.

    A first return adds facts that have not been sent before. A resubmission replaces its year: facts that differ are
    corrected. If the resubmission leaves a fact out, the fact is taken from an earlier year's return, or is withdrawn
    if no earlier return has it.

    Raises:
        ImportFileInvalid: the file is not a census of a known year and authority, or is not the kind of return that the
            caller says it is. Nothing was sent.
        BrokerUnavailable: events were not acknowledged. Run the same import again to complete it.
        LakeUnavailable: the lake cannot show what was imported before.
    """
    ensure_topics(settings)
    with advisory_lock(settings, LockKey.IMPORT), connect(settings, marts=None) as lake:
        arrived = numbered_ends(settings, (REFERRAL, CASE_CHANGE))
        if not wait_until_landed(lake, arrived, _PATIENCE_SECONDS[is_resubmission]) and is_resubmission:
            raise LakeUnavailable("the lake is behind the topics and may lack earlier imports; see './caf land'")
        told = Told(lake)
        done = read_cin_xml(settings, path, told.add, today=today, progress=progress)
        if _is_withheld(done):
            return done
        done.differences = told.compare()
        if is_resubmission:
            _must_leave_out_few(told, may_leave_out_most=may_leave_out_most or is_dry_run)
        elif told.is_contradicted():
            raise ImportFileInvalid(
                f"the file differs from the return of {done.year} that was imported; nothing was sent. "
                "If the file replaces that return, import it with --resubmission (--dry-run shows what would change)"
            )
        if not is_dry_run:
            with _sending(settings) as send:
                for event in told.events(is_resubmission=is_resubmission):
                    send(event)
    log.info("cin_imported", authority=done.authority, year=done.year, children=done.children, rejected=done.rejected)
    return done


def _is_withheld(done: Imported) -> bool:
    """Return whether the file is so broken that nothing may be sent. If it is, store the reason in `withheld`."""
    if done.broken is not None:
        done.withheld = "the file could not be read to its end"
    elif done.rejected > done.children * _MOST_REJECTED:
        done.withheld = "most of its children are rejected"
    return done.withheld is not None


def _must_leave_out_few(told: Told, *, may_leave_out_most: bool) -> None:
    """
    Check that a resubmission does not remove most of its year's children by mistake.

    Raises:
        ImportFileInvalid: the file would leave out most of the year's children.
    """
    left_out, known = told.children_left_out()
    if not may_leave_out_most and left_out > max(known * _MOST_LEFT_OUT, _FEW_CHILDREN):
        raise ImportFileInvalid(
            f"the file leaves out {left_out:,} of the {known:,} children that the year's return contained; nothing "
            "was sent. If the file contains the whole year all the same, add --yes"
        )


@contextmanager
def _sending(settings: Settings) -> Iterator[Callable[[Message], None]]:
    """Yield a function that sends an event to its topic. On exit, wait until all events are acknowledged."""
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
            "run the same import again; it adds nothing twice"
        )
