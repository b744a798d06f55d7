"""Read the audit in tests: the entries that wait on the disk, and those on the topic."""

from pathlib import Path

from streams import names
from streams.audit.spool import Spool
from streams.contracts.audit import AuditEntry
from streams.contracts.output_envelope import Output, decode_output
from streams.kafka.drain import whole
from streams.kafka.records import ReadRecord
from streams.settings import Settings

__all__ = ["sent_entries", "waiting_entries"]


def waiting_entries(home: Path) -> list[AuditEntry]:
    """Take the waiting entries from the disk of a home."""
    found: list[bytes] = []
    Spool(home).send(found.extend, lambda number: b"changed")
    return [entry_in(ReadRecord(names.AUDIT, 0, 0, 0, None, value, ())) for value in found]


def sent_entries(settings: Settings) -> list[AuditEntry]:
    """Return the entries on the topic."""
    return [entry_in(record) for record in whole(settings, [names.AUDIT])]


def entry_in(record: ReadRecord) -> AuditEntry:
    found = decode_output(record)
    assert isinstance(found, Output), found
    assert isinstance(found.data, AuditEntry)
    return found.data
