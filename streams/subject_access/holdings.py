"""Everything that is held about a person or family, section by section, read from the lake."""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from streams.errors import SubjectUnknown
from streams.lake.connect import connect
from streams.lake.one_row import one_row
from streams.lake.rows import each_named_row
from streams.rules.compiled import compiled_rules
from streams.rules.in_force import InForce, in_force
from streams.settings import Settings
from streams.subject_access.policy import Kind
from streams.subject_access.published import count_figures
from streams.subject_access.subject import add_events, find_subject
from streams.tell.referrers.letter import letter_id

__all__ = ["SECTIONS", "Held", "Holdings", "open_holdings"]

SECTIONS = {
    "events": "Events, each with its corrections and withdrawals",
    "quarantine": "Rejected records that may name the person or family",
    "alerts": "Alerts: every version, why it was raised, who was told, and who acted",
    "sharing_decisions": "Decisions on telling partners, with their legal basis",
    "feedback": "Letters to referrers",
    "audit": "Who looked at these records, and who did something about them",
}
"""The sections, by the landing table that each of them is read from."""

_STANDING = """
    CREATE OR REPLACE TABLE standing AS
    SELECT topic, kafka_partition, kafka_offset, alert_event_id FROM standing_rows
"""
_EVENTS = """
    SELECT
        held.*,
        CASE
            WHEN standing.topic IS NOT NULL THEN 'in force'
            WHEN change = 'withdrawn' THEN 'withdrawal'
            WHEN list_contains(list(content_id) FILTER (standing.topic IS NOT NULL) OVER event, content_id) THEN 'copy'
            WHEN count(*) FILTER (standing.topic IS NOT NULL) OVER event > 0 THEN 'corrected'
            ELSE 'withdrawn'
        END AS state
    FROM held
    LEFT JOIN standing USING (topic, kafka_partition, kafka_offset)
    WINDOW event AS (PARTITION BY topic, record_key, root_source, root_id)
    ORDER BY
        min(fact_at) OVER event, topic, record_key, root_source, root_id, received_at, kafka_partition, kafka_offset
"""
_ALERTS = """
    CREATE OR REPLACE TABLE about_alerts AS
    SELECT * FROM landing.main.alerts
    WHERE list_contains($ids, entity_id)
        OR ($is_family AND list_contains($ids, family_id))
        OR regexp_matches(reason, $named)
        OR (NOT $is_family AND list_has_any(
            list_transform(evidence, lambda one: one.source || chr(10) || one.id),
            (SELECT list(root_source || chr(10) || alert_event_id) FROM held
             JOIN standing USING (topic, kafka_partition, kafka_offset))
        ))
"""
_SHARED = """
    FROM landing.main.sharing_decisions
    WHERE alert_id IN (SELECT alert_id FROM about_alerts) OR ($is_family AND list_contains($ids, family_id))
    ORDER BY decided_at, alert_id, version, partner
"""
_LETTERS = """
    FROM landing.main.feedback
    WHERE list_contains($letters, letter_id) OR (letter_id IS NULL AND list_contains($referrals, referral_id))
    ORDER BY decided_at, letter_id, version
"""
_LOOKED = """
    SELECT * EXCLUDE (alert_ids, family_ids, person_ids) FROM landing.main.audit
    WHERE list_has_any(CASE WHEN $is_family THEN family_ids ELSE person_ids END, $ids)
        OR list_has_any(alert_ids, (SELECT coalesce(list(DISTINCT alert_id), []) FROM about_alerts))
    QUALIFY row_number() OVER (PARTITION BY entry_id ORDER BY kafka_offset) = 1
    ORDER BY "at", entry_id
"""
"""An entry lists everybody whom somebody saw at once, so its lists are left out."""
# A JSON string may spell letters as escapes. So a record with an escape is looked at, even if no id is in its bytes.
_REJECTED = """
    SELECT * FROM landing.main.quarantine
    WHERE list_bool_or(list_transform($ids, lambda one: contains(CAST(record_key AS VARCHAR), one)
            OR contains(CAST(record_value AS VARCHAR), one)))
        OR contains(CAST(record_value AS VARCHAR), '\\x5Cu') OR contains(CAST(record_value AS VARCHAR), '\\x5C/')
        OR len(record_headers) > 0
    ORDER BY received_at, topic, kafka_partition, kafka_offset
"""


@dataclass(frozen=True)
class Held:
    """
    One row of a landing table.

    Attributes:
        state: for an event, whether it is `in force`, was `corrected` or `withdrawn`, or is a `copy` or a `withdrawal`.
        facts: the columns that are not empty.
    """

    table: str
    state: str
    facts: dict[str, Any]


class Holdings:
    """
    What is held about one subject. Rows are read from the lake one after another, so their number does not matter.

    Attributes:
        subject: the person or family.
        landed_until: when the newest record of the lake landed. Later records are not included.
        figures: the number of published figures in which the subject is counted; None if nothing has been published.
    """

    def __init__(self, settings: Settings, lake: duckdb.DuckDBPyConnection, asked: str, kind: Kind | None) -> None:
        self._lake = lake
        self.made_at = datetime.now(UTC)
        compiled = compiled_rules(settings)
        self.subject, found = find_subject(lake, compiled, asked, kind)
        self._find_alerts(found)
        if self._add_actions():
            self._stand(in_force(compiled, lake.execute("FROM held").to_arrow_table()))
        newest = lake.execute("SELECT max(landed_at) FROM landing.main.events")
        self.landed_until: datetime | None = one_row(newest)[0]
        self.figures = count_figures(lake, self.subject)
        self._must_hold_something()

    def section(self, table: str) -> Iterator[Held]:
        """Yield the rows of one section, oldest first."""
        if table == "events":
            yield from (_held(table, row.pop("state"), row) for row in self._rows(_EVENTS, {}))
        elif table == "quarantine":
            rows = self._rows(_REJECTED, {"ids": list(self.subject.ids)})
            yield from (_held(table, "rejected", row) for row in rows if _may_name(row, self.subject.ids))
        elif table == "alerts":
            yield from (_held(table, "", row) for row in self._rows("FROM about_alerts ORDER BY alert_id, version", {}))
        elif table == "sharing_decisions":
            yield from (_held(table, "", row) for row in self._rows(_SHARED, self._values()))
        elif table == "audit":
            yield from (_held(table, "", row) for row in self._rows(_LOOKED, self._values()))
        else:
            yield from (_held(table, "", row) for row in self._rows(_LETTERS, self._letters()))

    def _find_alerts(self, found: InForce) -> None:
        self._stand(found)
        named = "|".join(re.escape(one) for one in self.subject.ids)
        values = self._values() | {"named": f"(^|[^A-Za-z0-9])({named})($|[^A-Za-z0-9])"}
        self._lake.execute(_ALERTS, values)

    def _add_actions(self) -> bool:
        """Add what people did about the alerts. Return whether there are alerts."""
        alerts = [alert for (alert,) in self._lake.execute("SELECT DISTINCT alert_id FROM about_alerts").fetchall()]
        if alerts:
            add_events(self._lake, "list_contains($alerts, alert_id)", {"alerts": alerts})
        return bool(alerts)

    def _stand(self, found: InForce) -> None:
        places = [(*place, event) for place, event in found.records.items()]
        columns = ("topic", "kafka_partition", "kafka_offset", "alert_event_id")
        types = (pa.string(), pa.int32(), pa.int64(), pa.string())
        values = zip(*places, strict=True) if places else ([] for _ in columns)
        arrays = {name: pa.array(list(given), type_) for name, given, type_ in zip(columns, values, types, strict=True)}
        self._lake.register("standing_rows", pa.table(arrays))
        self._lake.execute(_STANDING)

    def _values(self) -> dict[str, object]:
        return {"ids": list(self.subject.ids), "is_family": self.subject.kind == "family"}

    def _letters(self) -> dict[str, object]:
        query = (
            "SELECT DISTINCT family_id, referral_id FROM held WHERE family_id IS NOT NULL AND referral_id IS NOT NULL"
        )
        referrals = self._lake.execute(query).fetchall()
        return {"letters": [letter_id(*one) for one in referrals], "referrals": [referral for _, referral in referrals]}

    def _rows(self, query: str, values: dict[str, object]) -> Iterator[dict[str, Any]]:
        with closing(self._lake.cursor()) as cursor:
            yield from each_named_row(cursor.execute(query, values))

    def _must_hold_something(self) -> None:
        if not any(next(self.section(table), None) for table in SECTIONS if table != "audit"):
            raise SubjectUnknown("nothing is held under this id; check its spelling, which is case-sensitive")


@contextmanager
def open_holdings(settings: Settings, asked: str, kind: Kind | None = None) -> Iterator[Holdings]:
    """
    Open everything that has landed about a person or family. It can be read until the context ends.

    Raises:
        SubjectUnknown: nothing is held under the id.
        SubjectUnclear: the id is used for a person and for a family, and `kind` is None.
        LakeUnavailable: the lake does not answer.
    """
    with connect(settings) as lake:
        yield Holdings(settings, lake, asked, kind)


def _held(table: str, state: str, row: dict[str, Any]) -> Held:
    return Held(table, state, {name: value for name, value in row.items() if value is not None and value != []})


def _may_name(row: dict[str, Any], ids: Iterable[str]) -> bool:
    """Return whether the key, the value or a header of a rejected record contains one of the ids as a whole word."""
    parts = [row["record_key"], row["record_value"], *(header["value"] for header in row["record_headers"] or ())]
    texts = [text for part in parts if part is not None for text in (bytes(part), _unescaped(bytes(part)))]
    words = [re.compile(rb"(?<![A-Za-z0-9])" + re.escape(one.encode()) + rb"(?![A-Za-z0-9])") for one in ids]
    return any(word.search(text) for word in words for text in texts)


def _unescaped(text: bytes) -> bytes:
    r"""Return JSON without escapes such as `\u0050` or `\/`. Return other bytes as they are."""
    if b"\\" not in text:
        return b""
    try:
        return msgspec.json.encode(msgspec.json.decode(text))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b""
