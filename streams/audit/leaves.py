"""
The audit's entries as leaves of the Merkle tree, from the rows of the lake and from the records of the topic.

Both ways give the same bytes for the same entry, so the lake and the topic can be compared entry by entry. A record
that is no valid entry is in the quarantine. It is a leaf as well, so that nobody can hide an entry by making it
unreadable.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

import duckdb
import msgspec

from streams import names
from streams.audit.merkle import leaf
from streams.contracts.audit import AuditEntry
from streams.contracts.columns import microseconds
from streams.contracts.output_envelope import decode_output
from streams.contracts.record import Rejected
from streams.kafka.drain import to_end
from streams.lake.generations import numbered_consumer
from streams.lake.rows import each_row
from streams.settings import Settings
from streams.times import aware

__all__ = ["Leaf", "landed_leaves", "sent_leaves"]

_FIELDS = AuditEntry.__struct_fields__
_ROWS = f"""
    SELECT kafka_offset, epoch_us(received_at), {", ".join(f'"{name}"' for name in _FIELDS)}
    FROM landing.main.audit WHERE kafka_offset >= $first
    ORDER BY kafka_offset, received_at, entry_id
"""
_REJECTED = """
    SELECT kafka_offset, epoch_us(received_at), record_value FROM landing.main.quarantine
    WHERE topic = $topic AND kafka_offset >= $first ORDER BY kafka_offset, received_at
"""


class Leaf(msgspec.Struct, frozen=True):
    """One leaf: its place in the topic, and its hash."""

    offset: int
    hash: bytes


def landed_leaves(lake: duckdb.DuckDBPyConnection, first: int = 0) -> Iterator[Leaf]:
    """Yield the leaves of all rows from an offset on, in the order of their offsets."""
    found = lake.execute(_REJECTED, {"topic": names.AUDIT, "first": first}).fetchall()
    rejected = [_leaf(offset, received_us, _bytes(value)) for offset, received_us, value in reversed(found)]
    for offset, received_us, *fields in each_row(lake.execute(_ROWS, {"first": first})):
        while rejected and rejected[-1].offset < offset:
            yield rejected.pop()
        yield _leaf(offset, received_us, dict(zip(_FIELDS, fields, strict=True)))
    yield from reversed(rejected)


def sent_leaves(settings: Settings) -> Iterator[Leaf]:
    """
    Yield the leaves of all records that are on the topic, numbered as in the lake.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    with closing(numbered_consumer(settings, [names.AUDIT])) as kafka:
        for record in to_end(kafka):
            found = decode_output(record)
            fields = _bytes(found.value) if isinstance(found, Rejected) else msgspec.structs.asdict(found.data)
            yield _leaf(found.offset, found.received_ms * 1000, fields)


def _leaf(offset: int, received_us: int, fields: Mapping[str, Any]) -> Leaf:
    """Hash a leaf. Fields without a value are left out, so that a new optional field changes no earlier leaf."""
    given = {name: _plain(value) for name, value in fields.items() if value not in (None, [])}
    placed = {"kafka_offset": offset, "received_us": received_us, **given}
    return Leaf(offset, leaf(msgspec.json.encode(placed, order="sorted")))


def _plain(value: object) -> object:
    return microseconds(aware(value)) if isinstance(value, datetime) else value


def _bytes(value: bytes | None) -> dict[str, str]:
    """Return what a record that is no valid entry adds to the tree."""
    return {"value_sha256": hashlib.sha256(value or b"").hexdigest()}
