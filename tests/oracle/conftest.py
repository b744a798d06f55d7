"""Fixtures that the oracle's own tests share."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.oracle.alert import Expected
from tests.oracle.oracle import expected
from tests.oracle.records import Log, decoded


class Story(Log):
    """A log whose events are placed by day, with methods that evaluate rules on the log with the oracle."""

    start = datetime(2026, 1, 5, 12, tzinfo=UTC)

    def day(self, days: float, seconds: float = 0) -> datetime:
        """The time that lies the given number of days (and seconds) after the start. The start is a Monday at noon."""
        return self.start + timedelta(days=days, seconds=seconds)

    def alerts(self, rule: str, as_of: datetime | None = None) -> list[Expected]:
        """The alerts that one rule raises, sorted by time. Every record of the log must be readable."""
        accepted, rejected = decoded(self.records)
        assert not rejected
        found = expected(accepted, [], as_of or self.day(3000), rules={rule})
        return sorted(found, key=lambda alert: (alert.anchored_at, alert.clause))

    def anchors(self, rule: str, as_of: datetime | None = None) -> list[str]:
        """Ids of the events that make a rule raise alerts."""
        return [alert.anchor[1] for alert in self.alerts(rule, as_of)]


@pytest.fixture
def story() -> Story:
    """An empty log."""
    return Story()
