"""Import of the DfE's children-in-need census file."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from lxml import etree

from streams.errors import BrokerUnavailable, ImportFileInvalid
from streams.importers.cin_events import child_facts, pseudonym
from streams.importers.cin_fields import BadRecord, Reader
from streams.importers.cin_file import CinFile
from streams.importers.cin_messages import Message, message
from streams.importers.rejects import Rejects
from streams.kafka.client import producer
from streams.kafka.topics import ensure_topics
from streams.names import TIME_ZONE
from streams.settings import Settings

__all__ = ["Imported", "import_cin_xml", "sending"]

log = structlog.get_logger()

Send = Callable[[Message], None]


@dataclass
class Imported:
    """What became of a file."""

    authority: str
    year: int
    children: int = 0
    rejected: int = 0
    events: Counter[str] = field(default_factory=Counter)
    """Events sent, by type."""
    report: Path | None = None
    rejects: Path | None = None
    """The rejected children's records; None when there are none."""
    broken: str | None = None
    """Why the file could not be read to its end; what came before is imported."""

    @property
    def imported(self) -> int:
        """Children whose events were sent."""
        return self.children - self.rejected


def import_cin_xml(
    settings: Settings,
    path: Path,
    send: Send,
    *,
    is_resubmission: bool = False,
    today: date | None = None,
    progress: Callable[[int], None] = lambda _bytes: None,
) -> Imported:
    """
    Send the events of a census file; a child whose record is bad sends none, is reported and kept.

    Ids depend on the file's content only: sent twice, an event is a duplicate and adds nothing.
    `today` is the last day on which anything can have happened (by default, London's); `progress` gets the bytes read.

    Raises:
        ImportFileInvalid: the file is not a census of a known year and authority; nothing was sent.
        BrokerUnavailable: events were not acknowledged; the same import again completes it.
    """
    today = today or datetime.now(ZoneInfo(TIME_ZONE)).date()
    with path.open("rb") as opened:
        file = CinFile(opened)
        done = Imported(file.header.authority, file.header.year)
        if is_resubmission and not file.header.extracted:
            raise ImportFileInvalid("the file's Source has no DateTime; a resubmission needs it to be the latest")
        with Rejects(settings, f"cin-{file.header.lea}-{file.header.year}", file.header_element) as rejects:
            _send_children(file, rejects, send, done, is_resubmission=is_resubmission, today=today, progress=progress)
        done.rejects = rejects.records_path if rejects.reasons else None
        done.report = rejects.report_path
        rejects.report(_figures(done, path))
    log.info("cin_imported", authority=done.authority, year=done.year, children=done.children, rejected=done.rejected)
    return done


@contextmanager
def sending(settings: Settings) -> Iterator[Send]:
    """
    A function that sends to the topics; leaving the block waits until all is acknowledged.

    Raises:
        BrokerUnavailable: no broker answers, or it did not acknowledge every event.
    """
    ensure_topics(settings)
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


def _send_children(
    file: CinFile,
    rejects: Rejects,
    send: Send,
    done: Imported,
    *,
    is_resubmission: bool,
    today: date,
    progress: Callable[[int], None],
) -> None:
    seen: set[str] = set()
    try:
        for child in file:
            done.children += 1
            try:
                for event in _messages(child, file, seen, is_resubmission=is_resubmission, today=today):
                    send(event)
                    done.events[event.type] += 1
            except BadRecord as error:
                done.rejected += 1
                rejects.keep(child, error)
            progress(file.bytes_read)
    except ImportFileInvalid as error:
        done.broken = str(error)


def _messages(
    child: etree._Element, file: CinFile, seen: set[str], *, is_resubmission: bool, today: date
) -> list[Message]:
    """All events of a child, or the reason why there is none."""
    facts = child_facts(child, file.header, today)
    record = Reader(child, file.header.year, today).group("ChildIdentifiers")
    key = pseudonym(record.text("LAchildID"), file.header.authority)
    if key in seen:
        raise record.bad("LAchildID", "an earlier child of the file has it")
    seen.add(key)
    return [message(fact, key, file.header, is_resubmission=is_resubmission) for fact in facts]


def _figures(done: Imported, path: Path) -> dict[str, object]:
    return {
        "file": path.name,
        "authority": done.authority,
        "year": done.year,
        "children": done.children,
        "imported": done.imported,
        "rejected": done.rejected,
        "events": dict(sorted(done.events.items())),
        "broken": done.broken,
    }
