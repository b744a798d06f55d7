"""Read a whole census file. Collect the facts about every child, the wrong elements, and the rejected children."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from streams.errors import ImportFileInvalid
from streams.importers.cin_events import child_facts, child_key
from streams.importers.cin_fields import BadRecord, Flaw, Reader
from streams.importers.cin_file import CinFile, Header
from streams.importers.cin_messages import Statement, statement
from streams.importers.rejects import Rejects
from streams.settings import Settings
from streams.times import LONDON

__all__ = ["Child", "Imported", "read_cin_xml"]


class Child(NamedTuple):
    """A child of a file with its key and its facts. A rejected child has no facts, and may have no key."""

    key: str | None
    statements: list[Statement]
    header: Header


@dataclass
class Imported:
    """The result of importing a file."""

    authority: str
    year: int
    children: int = 0
    rejected: int = 0
    events: Counter[str] = field(default_factory=Counter)
    """Number of facts of all children, by event type."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Number of elements that were left out, by element and reason. Elements of rejected children are not counted."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Number of rejected children, by element and reason."""
    lines: dict[str, list[int]] = field(default_factory=dict)
    """For each kind of flaw in `left_out` and `reasons`, the numbers of the first lines on which it occurs."""
    report: Path | None = None
    rejects: Path | None = None
    """File with the records of rejected children; None if there are none."""
    broken: str | None = None
    """Why the file could not be read to its end."""
    withheld: str | None = None
    """Why the import decided to send nothing; None if it did not decide this."""
    differences: Counter[str] | None = None
    """
    Number of facts by result of the comparison with earlier imports: new, same, changed, withdrawn or restored. None if
    the file was not compared.
    """

    @property
    def imported(self) -> int:
        """Number of children that are not rejected."""
        return self.children - self.rejected

    def count(self, of: Counter[str], flaw: Flaw) -> None:
        """Count a flaw in `of`, which is either `left_out` or `reasons`, and keep the number of its line."""
        kind = f"{flaw.element}: {flaw.reason}"
        of[kind] += 1
        lines = self.lines.setdefault(kind, [])
        if len(lines) < _LINES:
            lines.append(flaw.line)


_LINES = 10
"""How many line numbers are kept for each kind of flaw. The report file contains all line numbers."""


def read_cin_xml(
    settings: Settings,
    path: Path,
    take: Callable[[Child], None],
    *,
    today: date | None = None,
    progress: Callable[[int], None] = lambda _bytes: None,
) -> Imported:
    """
    Pass every child of a census file to `take`, and write the report and the rejected records.

    No date in the file may be after `today` (default: the present day in London). `progress` is called with the number
    of bytes read so far.

    Raises:
        ImportFileInvalid: the file is not a census of a known year and authority, so no child was read.
    """
    today = today or datetime.now(LONDON).date()
    with path.open("rb") as opened:
        file = CinFile(opened)
        header = file.header
        done = Imported(header.authority.gss_code, header.year)
        with Rejects(settings, f"cin-{header.lea}-{header.year}", file.header_element) as rejects:
            try:
                for child in _children(file, rejects, done, min(today, header.reference_date)):
                    take(child)
                    progress(file.bytes_read)
            except ImportFileInvalid as error:
                done.broken = str(error)
        if not done.children and done.broken is None:
            done.broken = "there is no Child among the Children of its Message"
        done.rejects = rejects.records_path if rejects.rejected else None
        done.report = rejects.report_path
        rejects.report(_figures(done, path))
    return done


def _children(file: CinFile, rejects: Rejects, done: Imported, last_day: date) -> Iterator[Child]:
    seen: set[str] = set()
    for element in file:
        done.children += 1
        record = Reader([element], file.header.year, last_day, element.sourceline)
        key = None
        try:
            key = child_key(record, file.header)
            statements = _statements(record, key, file.header, seen)
        except BadRecord as error:
            done.rejected += 1
            done.count(done.reasons, error.flaw)
            rejects.keep(element, error.flaw)
            statements = []
        else:
            done.events.update(one.type for one in statements)
            for flaw in dict.fromkeys(record.flaws):
                done.count(done.left_out, flaw)
                rejects.left_out.append(flaw)
        yield Child(key, statements, file.header)


def _statements(record: Reader, key: str, header: Header, seen: set[str]) -> list[Statement]:
    """
    Read all facts of a child.

    Raises:
        BadRecord: the child is rejected.
    """
    if key in seen:
        raise record.group("ChildIdentifiers").bad("LAchildID", "an earlier child of the file has it")
    facts = child_facts(record, key, header)
    seen.add(key)
    return [statement(fact, key) for fact in facts]


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
