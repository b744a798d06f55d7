"""A soak reads alerts while the watcher works, and counts the rows of the watcher's tables."""

import pytest

from streams.bench.soak import soak

pytestmark = pytest.mark.long


def test_samples_tell_of_alerts_and_tables(settings):
    first, second = soak(settings, seconds=20, rate=20, every=10)

    assert first.minute < second.minute
    assert 12_000 < first.events < second.events
    assert all(sample.alerts.count >= 2 and sample.alerts.p50_ms > 0 for sample in (first, second))
    assert all(100 < sample.table_bytes / sample.events < 5_000 for sample in (first, second))
    assert all(sample.rows > 0 and sample.watch_mb > 0 and sample.wal_bytes > 0 for sample in (first, second))
