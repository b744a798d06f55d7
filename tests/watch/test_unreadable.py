"""A watcher reads every compression codec, and raises an alert for each unreadable record of a safeguarding topic."""

from datetime import UTC, datetime, timedelta

import pytest

from streams import names
from tests.kafka.segments import Log
from tests.kafka.senders import CODECS, SENDERS
from tests.watch.test_run import until


def test_compressed_records_are_evaluated(watched, watch_settings, referral, alerts) -> None:
    """The second referral of each family is in a batch that one producer compressed with one codec."""
    now = datetime.now(UTC)
    for codec in CODECS:
        for producer in ("kafka-python", "librdkafka"):
            family = f"F-{codec}-{producer}"
            first = referral(f"{family}-1", family, at=now - timedelta(hours=2))
            second = referral(f"{family}-2", family, at=now - timedelta(hours=1))
            SENDERS[producer](watch_settings, names.REFERRAL, codec, [first[1:], second[1:]])

    raised = lambda: {alert.family_id for alert in alerts() if alert.rule == "re_referral"}  # noqa: E731
    until(lambda: len(raised()) == 2 * len(CODECS))


@pytest.fixture
def damaged(watch_settings) -> None:
    """An unreadable batch of three records, followed by a record that is not an event."""
    log = Log(watch_settings, names.ESCALATION)
    log.write([b"one", b"two", b"three"])
    log.write([b"no event"])
    at, length, _ = log.batches()[0]
    log.poke(at + length - 1, b"!")


def test_each_unreadable_offset_raises_a_red_alert(damaged, watched, alerts) -> None:
    """Records that follow the unreadable records are evaluated as usual."""
    until(lambda: len(alerts()) >= 4)

    assert sorted((alert.rule, alert.severity, alert.entity_id) for alert in alerts()) == [
        ("unreadable_report", "red", f"{names.ESCALATION}/0/{offset}") for offset in range(4)
    ]
