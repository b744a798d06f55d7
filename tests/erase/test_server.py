"""Deleted rows go from PostgreSQL's files, and nobody waits for long meanwhile."""

from contextlib import closing

import psycopg2
import pytest

from streams.erase import server
from streams.erase.server import forget_dead_rows
from streams.errors import ErasureUnfinished
from streams.lake.connect import catalog_dsn
from streams.settings import Settings

pytestmark = pytest.mark.slow


def test_who_uses_a_table_is_named_and_does_not_make_others_wait(
    fresh_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An analyst may leave a transaction open for hours."""
    monkeypatch.setattr(server, "_PATIENCE_SECONDS", 0.0)
    dsn = catalog_dsn(fresh_settings)
    with closing(psycopg2.connect(dsn, application_name="a notebook")) as analyst, analyst.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM landing.ducklake_data_file")
        with pytest.raises(ErasureUnfinished, match="in 1 tables") as raised:
            forget_dead_rows(fresh_settings)
        process = analyst.info.backend_pid

    assert f"a notebook (process {process})" in str(raised.value)
    assert "ducklake" not in str(raised.value)


def test_who_still_sees_the_deleted_rows_is_named(fresh_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL keeps them for such a transaction, also in tables that it has never read."""
    monkeypatch.setattr(server, "_PATIENCE_SECONDS", 0.0)
    with closing(psycopg2.connect(catalog_dsn(fresh_settings), application_name="a notebook")) as analyst:
        analyst.set_session(isolation_level="REPEATABLE READ")
        analyst.cursor().execute("SELECT 1")
        with pytest.raises(ErasureUnfinished, match=rf"a notebook \(process {analyst.info.backend_pid}\)"):
            forget_dead_rows(fresh_settings)
        analyst.rollback()
        forget_dead_rows(fresh_settings)


def test_a_table_is_tried_again(fresh_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(psycopg2.connect(catalog_dsn(fresh_settings))) as analyst, analyst.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM landing.ducklake_data_file")
        monkeypatch.setattr("time.sleep", lambda _: analyst.rollback())

        assert forget_dead_rows(fresh_settings) == (not fresh_settings.postgres)
