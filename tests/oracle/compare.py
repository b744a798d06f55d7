"""Comparison of the alert rows of the SQL rules with the alerts that the oracle expects."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tests.oracle.alert import Expected
from tests.oracle.records import Record

__all__ = ["assert_equal_alerts", "difference", "smallest"]

Row = Mapping[str, object]

_FACTS = ("severity", "status", "evidence", "anchored_at", "deadline")


def assert_equal_alerts(rows: Iterable[Row], expected: Iterable[Expected]) -> None:
    """
    Fail with a readable difference unless the rows and the expected alerts are the same.

    `rows` have the columns of an alert model. Times may be timezone-aware or naive; naive times are UTC. The comparison
    covers the ids of the alerts, and for each alert severity, status, evidence, `anchored_at` and `deadline`.
    """
    assert not (found := difference(rows, expected)), "\n" + "\n".join(found)


def difference(rows: Iterable[Row], expected: Iterable[Expected]) -> list[str]:
    """One line for each alert that is missing, unexpected, duplicated or different. Empty when all alerts agree."""
    wanted = {alert.alert_id: alert for alert in expected}
    seen: dict[str, Row] = {}
    lines = []
    for row in rows:
        if row["alert_id"] in seen:
            lines.append(f"doubled       {_named(row)}")
        seen[row["alert_id"]] = row
    lines += [f"missing       {_told(wanted[id_])}" for id_ in sorted(wanted.keys() - seen.keys())]
    lines += [f"not expected  {_named(seen[id_])}" for id_ in sorted(seen.keys() - wanted.keys())]
    for id_ in sorted(wanted.keys() & seen.keys()):
        lines += _differing(wanted[id_], _read(seen[id_], wanted[id_]))
    return lines


def smallest(records: Sequence[Record], is_wrong: Callable[[Sequence[Record]], bool]) -> list[Record]:
    """
    Find the records that are needed to reproduce a failure.

    Each record is left out if the failure still occurs without that record.
    """
    kept = list(records)
    for record in records:
        without = [each for each in kept if each is not record]
        if is_wrong(without):
            kept = without
    return kept


def _read(row: Row, alert: Expected) -> Expected:
    return replace(
        alert,
        severity=row["severity"],
        status=row["status"],
        evidence=frozenset((each["source"], each["id"]) for each in row["evidence"] or ()),
        anchored_at=_aware(row["anchored_at"]),
        deadline=_aware(row["deadline"]),
    )


def _aware(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _differing(wanted: Expected, found: Expected) -> list[str]:
    return [
        f"different     {wanted.rule}{wanted.clause and '/' + wanted.clause} {wanted.entity_id} at {wanted.anchor[1]}: "
        f"{name} is {_plain(getattr(found, name))}, must be {_plain(getattr(wanted, name))}"
        for name in _FACTS
        if getattr(found, name) != getattr(wanted, name)
    ]


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else value and str(value)


def _told(alert: Expected) -> str:
    facts = ", ".join(f"{name}={_plain(getattr(alert, name))}" for name in _FACTS)
    return f"{alert.rule}{alert.clause and '/' + alert.clause} {alert.entity_id} at {alert.anchor[1]}: {facts}"


def _named(row: Row) -> str:
    evidence = [(each["source"], each["id"]) for each in row["evidence"] or ()]
    anchored = f"at {row['anchor_id']} ({row['anchored_at']})"
    return f"{row['rule']} {row['entity_id']} {anchored}: {row['severity']}, {row['status']}, evidence {evidence}"
