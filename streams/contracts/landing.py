"""
The tables of the landing lake: every column with its type, its meaning, and whether it may be empty.

The DDL that `land` executes, the dbt source file and the column expectations are made from this module alone. Times are
UTC without a time zone.
"""

from dataclasses import dataclass
from functools import cache

import msgspec
import pyarrow as pa

from streams.contracts.audit import AUDIT_LISTS, AuditEntry
from streams.contracts.columns import EVENT_COLUMNS, QUARANTINE_COLUMNS
from streams.contracts.describe import describe
from streams.contracts.event import event_types
from streams.contracts.outputs import Alert, DeadLetter, Feedback, Heartbeat, SharingDecision

__all__ = ["Column", "Table", "landing_tables", "sql_type"]

_TIMESTAMP = pa.timestamp("us")
_EVIDENCE = pa.struct([("time", _TIMESTAMP), ("source", pa.string()), ("id", pa.string()), ("type", pa.string())])
_RECIPIENT = pa.struct([("role", pa.string()), ("id", pa.string())])
_COORDINATES = pa.struct([("topic", pa.string()), ("kafka_partition", pa.int32()), ("kafka_offset", pa.int64())])
_HEADERS = QUARANTINE_COLUMNS["record_headers"]


@dataclass(frozen=True)
class Column:
    """A column of a landing table. A column that is `required` is never empty."""

    type: pa.DataType
    description: str
    required: bool = False


@dataclass(frozen=True)
class Table:
    """A table in the catalog `landing`, schema `main`."""

    description: str
    columns: dict[str, Column]


_COORDINATE_COLUMNS = {
    "topic": Column(pa.string(), "Topic that the record is on.", required=True),
    "kafka_partition": Column(pa.int32(), "Partition of the record.", required=True),
    "kafka_offset": Column(
        pa.int64(), "Offset of the record; with topic and partition it identifies one row of the lake.", required=True
    ),
}
_TIME_COLUMNS = {
    "received_at": Column(_TIMESTAMP, "When the broker received the record (its append time).", required=True),
    "landed_at": Column(_TIMESTAMP, "When `land` stored the record; one value for each batch.", required=True),
}

_EVENT_ENVELOPE = {
    "record_key": ("Kafka key: the family, or the person if the fact is about a single person.", True),
    "event_source": ("System that recorded the event.", True),
    "event_id": ("Id that the source gave the event; a source may use one id for several events.", True),
    "event_type": ("CloudEvents type, as `uk.caf.<topic>.<fact>.v<version>`.", True),
    "event_at": ("The envelope's time: when the event happened; for an amendment, when it was made.", True),
    "authority_code": ("GSS code of the authority.", True),
    "is_backfill": (
        "Whether the event is from history: it is landed and evaluated, but its alerts go to nobody.",
        True,
    ),
    "change": ("Whether the event records a fact, corrects or withdraws one: recorded, corrected, withdrawn.", True),
    "root_source": ("Source of the event that this one is about: its own, or that of the event it amends.", True),
    "root_id": ("Id of the event that this one is about: its own, or that of the event it amends.", True),
    "root_at": ("`time` of the amended event, if the amendment gives it.", False),
    "fact": ("Short name of the fact in force; empty for a withdrawal.", False),
    "fact_at": ("When the fact happened; for a correction, when it is now known to have happened.", True),
    "amendment_reason": ("Why the event was corrected or withdrawn; empty for an event that records a fact.", False),
    "replay_of": ("`topic/partition/offset` of the rejected record that this one sends again.", False),
    "inbound_record": (
        "`topic/partition/offset/topic id` of the partner's record that `intake` passed on; empty if there is none.",
        False,
    ),
    "dropped_fields": (
        "Wrong values that no rule needs: path, reason and what is allowed. The value itself is only in `payload`.",
        False,
    ),
    "content_id": ("Hash of the event's content: equal for all copies of one event, however they are written.", True),
    "payload": (
        "The event as it arrived, as structured JSON; fields that the contract does not know are kept here.",
        True,
    ),
}
_QUARANTINE = {
    "reason": ("Kind of the rejection.", True),
    "path": ("Where the record is wrong, as a JSON path.", False),
    "allowed": ("What is allowed there; never a value of the record.", False),
    "record_key": ("Original key, as bytes.", False),
    "record_value": ("Original value, as bytes.", False),
    "record_headers": ("Original headers, as names and bytes.", False),
    "record_header_names": (
        "Original names of all headers, as bytes, if `record_headers` cannot hold one as text; else empty.",
        False,
    ),
    "inbound_record": (
        "`topic/partition/offset/topic id` of the partner's record that `intake` passed on; empty if there is none.",
        False,
    ),
}


@cache
def landing_tables() -> dict[str, Table]:
    """Return every table of the landing lake, by name."""
    return {
        "events": Table("Accepted records of the input topics, one row each, copies included.", _events()),
        "quarantine": Table(
            "Records that no contract accepts, one row each, with their original bytes.", _quarantine()
        ),
        "alerts": Table("Records of the alerts topic, one row each: every version of every alert.", _alerts()),
        "feedback": Table(
            "Records of the feedback topic, one row each: every version of each letter to a referrer.",
            _output(
                Feedback,
                {"version": pa.int32(), "decided_at": _TIMESTAMP, "sentences": pa.list_(pa.string())},
                {},
            ),
        ),
        "sharing_decisions": Table(
            "Records of the topic of sharing decisions, one row each: what was shared with whom, or not, and why.",
            _output(SharingDecision, {"version": pa.int32(), "decided_at": _TIMESTAMP}, {}),
        ),
        "dead_letters": Table("Records of the dead-letter topic, one row each.", _dead_letters()),
        "heartbeats": Table("Records of the heartbeat topic, one row each.", _heartbeats()),
        "audit": Table(
            "Records of the audit topic, one row each: who saw or did what. A repeated `entry_id` counts once.",
            _output(AuditEntry, {"at": _TIMESTAMP, **dict.fromkeys(AUDIT_LISTS, pa.list_(pa.string()))}, {}),
        ),
        "erased": Table("Records whose content was erased, one row each: where they were, and nothing else.", _ERASED),
        "unused_offsets": Table(
            "Ranges of offsets that hold no record: Kafka's own entries, and records of aborted transactions.",
            _UNUSED_OFFSETS,
        ),
        "topics": Table("Topics whose records have landed, one row for each generation.", _TOPICS),
        "validations": Table("What Great Expectations found in each landed batch.", _VALIDATIONS),
        "coverage": Table("Statements about the time that sources cover, and their removals.", _COVERAGE),
    }


def sql_type(type_: pa.DataType) -> str:
    """
    Return the DuckDB name of an Arrow type.

    Raises:
        KeyError: no landing column has this type.
    """
    if pa.types.is_list(type_):
        return f"{sql_type(type_.value_type)}[]"
    if pa.types.is_struct(type_):
        members = [f'"{field.name}" {sql_type(field.type)}' for field in type_]
        return f"STRUCT({', '.join(members)})"
    if pa.types.is_map(type_):
        return f"MAP({sql_type(type_.key_type)}, {sql_type(type_.item_type)})"
    return _SQL_TYPES[type_]


_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.date32(): "DATE",
    pa.binary(): "BLOB",
    _TIMESTAMP: "TIMESTAMP",
}


def _events() -> dict[str, Column]:
    placed = {**_COORDINATE_COLUMNS, **_TIME_COLUMNS}
    documented = {name: Column(EVENT_COLUMNS[name], *rest) for name, rest in _EVENT_ENVELOPE.items()}
    facts = {
        field.name: Column(EVENT_COLUMNS[field.name], describe(field).sentence)
        for struct in reversed(event_types().values())
        for field in msgspec.structs.fields(struct)
    }
    known = {**placed, **documented, **facts}
    return {name: known[name] for name in EVENT_COLUMNS}


def _quarantine() -> dict[str, Column]:
    documented = {name: Column(QUARANTINE_COLUMNS[name], *rest) for name, rest in _QUARANTINE.items()}
    known = {**_COORDINATE_COLUMNS, **_TIME_COLUMNS, **documented}
    return {name: known[name] for name in QUARANTINE_COLUMNS}


_ALERT_TYPES = {
    "version": pa.int32(),
    "rule_version": pa.int32(),
    "evidence": pa.list_(_EVIDENCE),
    "anchored_at": _TIMESTAMP,
    "deadline": _TIMESTAMP,
    "occurred_at": _TIMESTAMP,
    "cause_received_at": _TIMESTAMP,
    "raised_at": _TIMESTAMP,
    "backfill": pa.bool_(),
    "test": pa.bool_(),
    "recipients": pa.list_(_RECIPIENT),
    "acknowledged_at": _TIMESTAMP,
    "closed_at": _TIMESTAMP,
}


def _alerts() -> dict[str, Column]:
    return _output(Alert, _ALERT_TYPES, {"received_at": "cause_received_at"})


def _dead_letters() -> dict[str, Column]:
    types = {
        "rejected_partition": pa.int32(),
        "rejected_offset": pa.int64(),
        "rejected_at": _TIMESTAMP,
        "record_key": pa.binary(),
        "record_value": pa.binary(),
        "record_headers": _HEADERS,
        "is_whole": pa.bool_(),
        "record_bytes": pa.int64(),
        "value_bytes": pa.int64(),
    }
    renamed = {
        "topic": "rejected_topic",
        "partition": "rejected_partition",
        "offset": "rejected_offset",
        "received_at": "rejected_at",
        "key": "record_key",
        "value": "record_value",
        "headers": "record_headers",
    }
    return _output(DeadLetter, types, renamed)


def _heartbeats() -> dict[str, Column]:
    return _output(
        Heartbeat,
        {
            "as_of": _TIMESTAMP,
            "offsets": pa.map_(pa.string(), pa.list_(pa.int64())),
            "topic_ids": pa.map_(pa.string(), pa.string()),
            "is_reporting": pa.bool_(),
        },
        {},
    )


def _output(struct: type[msgspec.Struct], types: dict[str, pa.DataType], renamed: dict[str, str]) -> dict[str, Column]:
    """
    Return the columns of a record that the system writes: its position and times, and then its fields.

    A field is stored as text, unless `types` has another type for it.
    """
    columns = {**_COORDINATE_COLUMNS, **_TIME_COLUMNS}
    for field in msgspec.structs.fields(struct):
        name = renamed.get(field.name, field.name)
        description = describe(field)
        columns[name] = Column(types.get(name, pa.string()), description.sentence, required=not description.nullable)
    return columns


_ERASED = {
    **_COORDINATE_COLUMNS,
    "landed_at": _TIME_COLUMNS["landed_at"],
    "erased_at": Column(_TIMESTAMP, "When the content was erased.", required=True),
    "erasure": Column(
        pa.string(), "Id of the erasure; `./caf erase list` shows who asked for it and why.", required=True
    ),
    "was_in": Column(pa.string(), "Landing table that the record was in.", required=True),
    "inbound_record": Column(EVENT_COLUMNS["inbound_record"], *_EVENT_ENVELOPE["inbound_record"]),
}

_UNUSED_OFFSETS = {
    "topic": _COORDINATE_COLUMNS["topic"],
    "kafka_partition": _COORDINATE_COLUMNS["kafka_partition"],
    "first_offset": Column(pa.int64(), "First offset of the range.", required=True),
    "next_offset": Column(pa.int64(), "Offset after the last one of the range.", required=True),
    "noted_at": Column(_TIMESTAMP, "When Kafka still showed that the range holds no record.", required=True),
}

_TOPICS = {
    "topic": Column(pa.string(), "Name of the topic.", required=True),
    "topic_id": Column(
        pa.string(),
        "Id that Kafka gave the topic when it was created; a recreated topic has another id.",
        required=True,
    ),
    "life": Column(pa.int32(), "Generation: 1 for the first topic of its name, one more for each recreation."),
    "first_offsets": Column(
        pa.list_(pa.int64()),
        "By partition, the `kafka_offset` of the first record; a recreated topic continues after its predecessor.",
    ),
    "from_offsets": Column(
        pa.list_(pa.int64()), "By partition, the first `kafka_offset` that was landed from any topic of this name."
    ),
    "known_at": Column(_TIMESTAMP, "When the system first saw the topic."),
    "confirmed_at": Column(_TIMESTAMP, "When a person confirmed that the topic was recreated."),
    "confirmed_by": Column(pa.string(), "Login of that person."),
}

_VALIDATIONS = {
    "validated_at": Column(_TIMESTAMP, "When the check ran.", required=True),
    "suite": Column(pa.string(), "Suite that the expectation belongs to.", required=True),
    "expectation": Column(pa.string(), "Name of the expectation.", required=True),
    "level": Column(pa.string(), "`row` flags rows; `batch` holds the marts; `release` lifts a hold.", required=True),
    "success": Column(
        pa.bool_(), "Whether the expectation was met; empty if there was no history to check it against."
    ),
    "checked": Column(pa.int64(), "Rows that were checked.", required=True),
    "failed": Column(pa.int64(), "Rows that failed.", required=True),
    "batch_from": Column(_TIMESTAMP, "First `landed_at` of the batch."),
    "batch_to": Column(_TIMESTAMP, "Last `landed_at` of the batch."),
    "failed_rows": Column(pa.list_(_COORDINATES), "Coordinates of the rows that failed, without any of their values."),
    "note": Column(pa.string(), "What was found, in numbers, or why a hold was released, without any value of a row."),
}

_COVERAGE = {
    "stated_at": Column(
        _TIMESTAMP, "When the statement was made or removed; builds take account of this from then on.", required=True
    ),
    "statement_id": Column(pa.string(), "Id of the statement.", required=True),
    "change": Column(pa.string(), "`stated`, or `removed` if the statement was taken back.", required=True),
    "authority_code": Column(pa.string(), "GSS code of the authority.", required=True),
    "source": Column(
        pa.string(),
        "CloudEvents source that the statement is about; `*`: every source without its own statement.",
        required=True,
    ),
    "kinds": Column(pa.list_(pa.string()), "Kinds of figures that the statement is about.", required=True),
    "covers_from": Column(pa.date32(), "First day (London).", required=True),
    "covers_to": Column(pa.date32(), "Last day (London); empty if there is no last day."),
    "is_whole": Column(
        pa.bool_(), "Whether all records of the authority are there; a part produces no figures.", required=True
    ),
    "stated_by": Column(pa.string(), "Who made the statement: the login of the person, or the command.", required=True),
    "why": Column(pa.string(), "Why the statement was made or removed; no personal data.", required=True),
}
