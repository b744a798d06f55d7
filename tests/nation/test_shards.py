"""A shard that fails on Spark is named without its data, and no record is left out unsaid."""

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from streams.errors import BuildFailed
from streams.nation.run import run
from tests.nation.test_failures import SECRET

pytestmark = pytest.mark.long

EVENT = ["topic", "record_key", "root_source", "root_id"]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan with one model, which fails in the shard of one family. The error message quotes the family's id."""
    events = [(f"K{n}", SECRET if n == 7 else f"F{n}") for n in range(20)]
    with duckdb.connect() as session:
        session.execute(
            "CREATE TABLE events (topic VARCHAR, record_key VARCHAR, authority_code VARCHAR, family_id VARCHAR)"
        )
        session.executemany("INSERT INTO events VALUES ('t', ?, 'E01', ?)", events)
        session.execute(f"COPY events TO '{tmp_path}/events.parquet'")
        session.execute(
            f"ATTACH '{tmp_path}/given.duckdb' AS given; CREATE SCHEMA given.run; CREATE TABLE given.run.cut (n INT)"
        )
    staged = (
        'CREATE OR REPLACE TABLE "marts"."staging"."stg_events" AS (SELECT topic, record_key, family_id, '
        "topic AS root_source, "
        "record_key AS root_id, authority_code, row_number() OVER () AS event_order FROM landing.main.events)"
    )
    bad = (
        'CREATE OR REPLACE TABLE "marts"."alerts"."bad" AS (SELECT if(family_id = '
        f'\'{SECRET}\', error(family_id), family_id) AS family_id FROM "marts"."staging"."stg_events")'
    )
    said = {
        "folder": str(tmp_path),
        "given": str(tmp_path / "given.duckdb"),
        "landing": "topic VARCHAR, record_key VARCHAR, authority_code VARCHAR, family_id VARCHAR, person_ids VARCHAR[]",
        "one": ["family_id"],
        "several": ["person_ids"],
        "event": ", ".join(EVENT),
        "order": ", ".join(EVENT),
        "gap": 10,
        "shard_events": 5,
        "partitions": 2,
        "is_here": True,
        "files": [(str(tmp_path / "events.parquet"), None, None, None)],
        "staged": {"unique_id": "model.caf.stg_events", "relation": '"marts"."staging"."stg_events"', "sql": staged},
        "early": [],
        "shard": [{"unique_id": "model.caf.bad", "relation": '"marts"."alerts"."bad"', "sql": bad}],
    }
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(said))
    return file


def test_shard_that_fails_is_repeated_and_then_named_without_its_data(settings, spark_venv, tmp_path, plan):
    """
    Each attempt writes the tables of the other models. Neither the log nor the error message contains the family's
    id.
    """
    own = replace(settings, home=tmp_path / "home", spark_venv=spark_venv)

    with pytest.raises(BuildFailed, match=r"shard \d: model\.caf\.bad failed \(InvalidInputException\)") as failed:
        run(own, plan, "local[1]", lambda _: None)

    log = (own.home / "logs" / "spark.log").read_text()
    assert "failed 4 times" in log or log.count("ShardFailed") >= 4
    assert SECRET not in log
    assert SECRET not in str(failed.value)
    assert len(list((tmp_path / "tables" / "staging.stg_events").glob("[0-9]*.parquet"))) == 4


def test_record_without_a_key_is_not_lost_unsaid(settings, spark_venv, tmp_path, plan):
    """
    The contract accepts no record without a key. If the lake still has such a record, it has no shard, and the build
    fails.
    """
    own = replace(settings, home=tmp_path / "home", spark_venv=spark_venv)
    file = tmp_path / "events.parquet"
    with duckdb.connect() as session:
        session.execute(f"CREATE TABLE events AS FROM '{file}'; INSERT INTO events VALUES ('t', NULL, 'E01', 'F1')")
        session.execute(f"COPY events TO '{file}'")

    with pytest.raises(BuildFailed, match="1 records have no key, and so no shard"):
        run(own, plan, "local[1]", lambda _: None)
