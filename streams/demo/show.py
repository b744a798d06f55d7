"""Show the demo's alerts as they arrive, and the locality figures as they change."""

import threading
from datetime import UTC, datetime
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from streams import names
from streams.alerts.publisher import alert_of
from streams.contracts.event import fact_name
from streams.contracts.outputs import Alert
from streams.kafka.client import consumer
from streams.kafka.drain import polled, skip_to_end
from streams.lake.connect import connect
from streams.settings import Settings

__all__ = ["Alerts", "Figures", "show_alert"]

_COLOURS = {"red": "bold red", "amber": "yellow", "green": "green"}
_FIGURES_SECONDS = 5.0
_ROWS = 6

_LOCALITY = """
    select
        area_name,
        max(numerator) filter (measure = 'referrals') as referrals,
        max(numerator) filter (measure = 'contacts') as contacts,
        max(numerator) filter (measure = 'cafs') as cafs,
        max(value) filter (measure = 'dfe_referrals_per_10000') as rate
    from marts.analytics.mart_locality_need
    where area_level = 'ward' and period_kind = 'month'
        and measure in ('referrals', 'contacts', 'cafs', 'dfe_referrals_per_10000')
    group by authority_code, area_code, area_name, period_start
    qualify period_start = max(period_start) over ()
    order by referrals desc, area_name
"""


def show_alert(console: Console, alert: Alert, seen_at: datetime) -> None:
    """Print one alert in a few lines: its severity, latency, reason and evidence."""
    latency = (seen_at - alert.received_at).total_seconds()
    style = _COLOURS[alert.severity] if alert.status == "open" else "dim"
    evidence = ", ".join(f"{fact_name(item.type)} {item.time:%d %b %H:%M}" for item in alert.evidence)
    console.print(
        f"[{style}]● {alert.severity.upper():5}[/] {alert.rule} v{alert.version} {alert.status}"
        f"  [dim]{latency * 1000:,.0f} ms after arrival[/]"
    )
    console.print(f"        {alert.reason}", highlight=False)
    if evidence:
        console.print(f"        [dim]evidence: {evidence}; clears when: {alert.clears_when}[/]", highlight=False)


class Alerts(threading.Thread):
    """Follows the alerts topic in a thread of its own, and keeps the latency (seconds) of each live alert version."""

    def __init__(self, settings: Settings, console: Console) -> None:
        super().__init__(name="demo-alerts", daemon=True)
        self._client = consumer(settings, [names.ALERTS])
        skip_to_end(self._client)
        self._console = console
        self._ended = threading.Event()
        self.latencies: list[float] = []

    def run(self) -> None:
        """Poll until `end` is called. This is the body of the thread."""
        while not self._ended.is_set():
            for record in polled(self._client, 200):
                self._show(record.value)
        self._client.close()

    def end(self) -> None:
        """Stop following the alerts."""
        self._ended.set()
        self.join()

    def _show(self, value: bytes | None) -> None:
        alert = alert_of(value)
        if alert is None or alert.backfill:
            return
        seen_at = datetime.now(UTC)
        self.latencies.append((seen_at - alert.received_at).total_seconds())
        show_alert(self._console, alert, seen_at)


class Figures(threading.Thread):
    """Follows the locality mart in a thread of its own, and prints the wards whose figures have changed."""

    def __init__(self, settings: Settings, console: Console) -> None:
        super().__init__(name="demo-figures", daemon=True)
        self._lake = connect(settings)
        self._console = console
        self._ended = threading.Event()
        self._last: dict[str, tuple[Any, ...]] = {}

    def run(self) -> None:
        """Query the mart until `end` is called. This is the body of the thread."""
        while not self._ended.wait(_FIGURES_SECONDS):
            try:
                rows = {row[0]: row[1:] for row in self._lake.execute(_LOCALITY).fetchall()}
            except duckdb.CatalogException:
                # The mart exists only after the first build.
                continue
            changed = [ward for ward, row in rows.items() if self._last and self._last.get(ward) != row]
            if changed:
                self._console.print(_table(rows, self._last, changed))
            self._last = rows
        self._lake.close()

    def end(self) -> None:
        """Stop following the figures."""
        self._ended.set()
        self.join()


def _table(rows: dict[str, tuple[Any, ...]], before: dict[str, tuple[Any, ...]], changed: list[str]) -> Table:
    table = Table(title="Need by ward, this month: changes", title_justify="left", box=None)
    for heading in ("ward", "referrals", "contacts", "CAFs", "referred to social care per 10,000 children a year"):
        table.add_column(heading, justify="left" if heading == "ward" else "right")
    for ward in changed[:_ROWS]:
        *counts, rate = rows[ward]
        *earlier, _ = before.get(ward, (0, 0, 0, None))
        moved = (_moved(was, now) for was, now in zip(earlier, counts, strict=True))
        table.add_row(ward, *moved, "none" if rate is None else f"{rate:.1f}")
    if len(changed) > _ROWS:
        table.caption = f"and {len(changed) - _ROWS} more wards"
    return table


def _moved(before: int, now: int) -> str:
    return f"{now}" if before == now else f"{before} → {now}"
