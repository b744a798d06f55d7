"""Which quarter is published next, and from which day."""

from datetime import date

import pytest

from streams.disclosure.due import next_due


@pytest.mark.parametrize(
    ("first", "latest", "quarter", "on"),
    [
        (date(2026, 1, 1), None, date(2026, 1, 1), date(2026, 4, 29)),
        (date(2026, 1, 1), date(2026, 7, 1), date(2026, 10, 1), date(2027, 1, 29)),
        (date(2026, 1, 1), date(2026, 10, 1), date(2027, 1, 1), date(2027, 4, 29)),
    ],
)
def test_next_quarter_follows_the_latest_and_closes_28_days_after_its_end(first, latest, quarter, on) -> None:
    assert next_due(first, latest) == (quarter, on)
