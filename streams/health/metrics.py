"""
Write the results of a check in Prometheus' text format.

Labels contain only names of parts, their states, reasons of rejections, and sources that are certainly systems. So
there are few distinct labels, and none of them says anything about a person.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.health.figures import Figures
from streams.health.look import Health
from streams.health.row import Row

__all__ = ["LEVELS", "Metrics"]

LEVELS = {"well": 0, "amber": 1, "red": 2}
_BUCKETS = (0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)


class Metrics:
    """The newest results as text. Reading the text does not ask any server again."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._newest = _Newest()
        self._registry.register(self._newest)
        self._took = Histogram(
            "caf_alert_latency_seconds",
            "Time from the arrival of an event, or from a deadline, to the alert on its topic.",
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def note(self, health: Health, figures: Figures | None) -> None:
        """Store new results. If there are no new figures because the lake does not answer, keep the last figures."""
        self._newest.health = health
        if figures is not None:
            self._newest.figures = figures
            for seconds in figures.took:
                self._took.observe(seconds)

    def text(self) -> bytes:
        """Return the newest results in Prometheus' text format."""
        return generate_latest(self._registry)


class _Newest(Collector):
    def __init__(self) -> None:
        self.health: Health | None = None
        self.figures = Figures()

    def collect(self) -> Iterator[Metric]:
        if self.health is None:
            return
        looked = self.health.looked_at.timestamp()
        yield GaugeMetricFamily("caf_looked_at_seconds", "When all servers were last asked.", value=looked)
        yield from _of_parts(self.health.rows)
        rejected = CounterMetricFamily(
            "caf_rejected_records", "All rejected records so far.", labels=["source", "reason"]
        )
        for (source, reason), count in sorted(self.figures.rejected.items()):
            rejected.add_metric([source, reason], count)
        yield rejected


def _of_parts(rows: list[Row]) -> Iterator[Metric]:
    level = GaugeMetricFamily("caf_part_level", "0: the part is well, 1: amber, 2: red.", labels=["part"])
    state = GaugeMetricFamily("caf_part_state", "1 for the state that a part is in.", labels=["part", "state"])
    for row in rows:
        level.add_metric([row.part], LEVELS[row.level])
        state.add_metric([row.part, row.state], 1)
    yield level
    yield state
    yield _gauge(rows, "caf_part_waiting_records", "Records that wait for a part.", "waiting")
    yield _gauge(
        rows,
        "caf_part_waiting_seconds",
        "How long the oldest record that waits for a part has waited.",
        "waiting_seconds",
    )
    yield _gauge(rows, "caf_part_rate", "Records a second that a part has worked on recently.", "rate")
    yield _gauge(rows, "caf_part_restarts", "Runs of a part that have failed in the last hour.", "restarts")


def _gauge(rows: list[Row], name: str, text: str, field: str) -> Metric:
    """Return a gauge with one number for each part that has a number."""
    family = GaugeMetricFamily(name, text, labels=["part"])
    for row in rows:
        if (value := getattr(row, field)) is not None:
            family.add_metric([row.part], value)
    return family
