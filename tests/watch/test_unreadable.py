"""A watcher reads every codec, and says what of a safeguarding topic nobody can read."""

from datetime import UTC, datetime, timedelta

import pytest

from streams import names
from tests.kafka.segments import Log
from tests.kafka.senders import CODECS, SENDERS
from tests.watch.test_run import until


def test_what_is_compressed_is_judged(watched, watch_settings, referral, alerts) -> None:
    """Families whose second referral comes in a batch of each codec."""
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
    """A batch of three records that nobody can read, and one after it that is no event."""
    log = Log(watch_settings, names.ESCALATION)
    log.write([b"one", b"two", b"three"])
    log.write([b"no event"])
    at, length, _ = log.batches()[0]
    log.poke(at + length - 1, b"!")


def test_each_offset_that_nobody_can_read_is_red(damaged, watched, alerts) -> None:
    """What comes after them is judged as ever."""
    until(lambda: len(alerts()) >= 4)

    assert sorted((alert.rule, alert.severity, alert.entity_id) for alert in alerts()) == [
        ("unreadable_report", "red", f"{names.ESCALATION}/0/{offset}") for offset in range(4)
    ]
