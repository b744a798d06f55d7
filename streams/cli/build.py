"""`./caf build`: rebuild the marts, either once or each time that records have landed."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import click

from expectations import holds
from streams.cli.lake import lake_settings
from streams.marts import BuildResult, build, build_as_of, follow
from streams.marts.area_alerts import publish_build_alerts
from streams.nation.build import build_on_spark
from streams.settings import Settings
from streams.times import LONDON

__all__ = ["command"]


@click.command("build")
@click.option("--follow", "keep_on", is_flag=True, help="Build again whenever something new has landed.")
@click.option("--full", is_flag=True, help="Also load the seeds and run the unit tests. Not with --follow.")
@click.option("--for", "for_seconds", type=float, help="With --follow: stop after this many seconds.")
@click.option("--quiet-after", type=float, help="With --follow: stop when nothing has landed for this many seconds.")
@click.option("--as-of", "day", type=click.DateTime(["%Y-%m-%d"]), help="Build the marts as they were after that day.")
@click.option("--into", type=click.Path(path_type=Path), help="New DuckDB file for --as-of; the lake is not touched.")
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    show_default=True,
    help="What runs the SQL. spark: shards on a cluster, for a lake that is too large for one machine.",
)
@click.option(
    "--master", help="Spark's master: local[N], spark://host:port, yarn, k8s://…  [default: CAF_SPARK_MASTER]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a build.")
def command(
    *,
    keep_on: bool,
    full: bool,
    for_seconds: float | None,
    quiet_after: float | None,
    day: datetime | None,
    into: Path | None,
    engine: str,
    master: str | None,
    as_json: bool,
) -> None:
    """
    Rebuild the marts from one snapshot: alerts over all history, need by locality, data quality.

    The snapshot has the records that the watcher has evaluated and that have landed, so that streamed and rebuilt
    alerts can be compared. Without a running watcher, the snapshot has everything that has landed. A failed batch-level
    expectation holds the marts. Alerts of rules that only a build can evaluate (locality_surge, shared_by_too_many) are
    published afterwards.

    `--as-of 2026-10-31 --into october.duckdb` builds from what had landed by the end of 31 October 2026 in London.

    `--engine spark` makes the same marts on a Spark cluster. The first use creates an environment with Spark.
    """
    is_on_spark = engine == "spark"
    if master is not None and not is_on_spark:
        raise click.UsageError("--master is for Spark only; add --engine spark")
    if is_on_spark and (keep_on or day is not None):
        raise click.UsageError("--engine spark builds once, from the current snapshot; leave out --follow and --as-of")
    if (day is None) != (into is None):
        raise click.UsageError("give --as-of and --into together")
    settings = lake_settings()
    if day is not None and into is not None:
        _as_it_stood(settings, day, into, as_json=as_json)
        return

    def finish(result: BuildResult) -> None:
        publish_build_alerts(settings)
        click.echo(json.dumps(_figures(result), default=str) if as_json else _text(result))

    if is_on_spark:
        say = partial(click.echo, err=True)
        finish(build_on_spark(settings, master=master or settings.spark_master, full=full, holds=holds, say=say))
    elif keep_on:
        follow(settings, holds=holds, for_seconds=for_seconds, quiet_seconds=quiet_after, on_build=finish)
    else:
        finish(build(settings, full=full, holds=holds))


def _as_it_stood(settings: Settings, day: datetime, into: Path, *, as_json: bool) -> None:
    ended = (day + timedelta(days=1)).replace(tzinfo=LONDON).astimezone(UTC)
    snapshot = build_as_of(settings, min(ended, datetime.now(UTC)), into)
    figures = {"file": str(into), "as_of": snapshot.as_of, "offsets": snapshot.offsets, "rows": snapshot.records}
    text = f"built {into}: {snapshot.records:,} records, as of {snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC"
    click.echo(json.dumps(figures, default=str) if as_json else text)


def _figures(result: BuildResult) -> dict[str, object]:
    return {
        "started_at": result.started_at,
        "finished_at": result.finished_at,
        "seconds": round(result.seconds, 2),
        "as_of": result.snapshot.as_of,
        "is_watched": result.snapshot.is_watched,
        "offsets": result.snapshot.offsets,
        "rows": result.snapshot.records,
    }


def _text(result: BuildResult) -> str:
    whose = "up to the watermark" if result.snapshot.is_watched else "all that have landed"
    return (
        f"built in {result.seconds:.1f} s: {result.snapshot.records:,} records, {whose}, "
        f"as of {result.snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC"
    )
