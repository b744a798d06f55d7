"""Data Docs of Great Expectations: pages that show the suites, and whether the last day and hour passed them."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import structlog

from expectations import hourly
from expectations.engine import part, silenced
from expectations.landed import landed_events, observe_by_suite
from expectations.observations import frame
from streams.lake.connect import connect
from streams.lake.one_row import one_row
from streams.settings import Settings

__all__ = ["build_docs"]

log = structlog.get_logger()


def build_docs(settings: Settings) -> Path:
    """
    Build the pages in `home/data_docs`, and return the first page. Old pages are deleted.

    The pages show each expectation and whether it passed (`BOOLEAN_ONLY`). They never show values from records.

    Raises:
        LakeUnavailable: the lake cannot be reached.
    """
    with connect(settings, marts=None) as lake:
        frames = _frames(lake)
    page = _build(settings.home / "data_docs", frames)
    log.info("data_docs_built", suites=len(frames))
    return page


def _frames(lake: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    """
    Return the frame for each suite.

    The frames are about the last day of landed records, and the last full hour before that day ended.
    """
    last: datetime | None = one_row(lake.execute("SELECT max(landed_at) FROM landing.main.events"))[0]
    if last is None:
        return {}
    batch = landed_events(lake, last - timedelta(days=1), last)
    frames = {suite: frame(seen) for suite, seen in observe_by_suite(batch)}
    return {name: found for name, found in {**frames, **hourly.frames(lake, last)}.items() if len(found.columns) > 1}


def _build(folder: Path, frames: dict[str, pd.DataFrame]) -> Path:
    import great_expectations as gx

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    context = silenced(gx.get_context(mode="file", project_root_dir=folder))
    source = context.data_sources.add_pandas("landed")
    for name, found in frames.items():
        batches = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("last")
        context.suites.add(suite := part(name, found.columns))
        definition = gx.ValidationDefinition(name=name, data=batches, suite=suite)
        context.validation_definitions.add(definition)
        definition.run(batch_parameters={"dataframe": found}, result_format="BOOLEAN_ONLY")
    context.build_data_docs()
    return next(folder.rglob("local_site/index.html"))
