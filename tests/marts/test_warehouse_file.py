"""The marts as one file, which is complete, comes from one build, and is replaced while somebody reads the old file."""

import duckdb

from streams.marts.warehouse_file import warehouse

REFERRALS = "SELECT count(*) FROM analytics.fct_referrals"


def test_each_build_replaces_the_file_and_leaves_readers_what_they_opened(warm, make):
    """
    The file is a plain DuckDB file with every mart. Reading it needs no lake, and only the file's owner may read it.
    """
    warm.lake.land(make.referral("S1", "FS1"))
    warm.builder.build(tests=False)
    file = warehouse(warm.settings)
    with duckdb.connect(str(file), read_only=True) as opened:
        before = opened.execute(REFERRALS).fetchone()
        warm.lake.land(make.referral("S2", "FS2"))
        warm.builder.build(tests=False)
        with duckdb.connect(":memory:") as later:
            later.execute(f"ATTACH '{file}' AS warehouse (READ_ONLY)")
            after = later.execute(REFERRALS.replace("analytics", "warehouse.analytics")).fetchone()
            tables = {row[0] for row in later.execute("SELECT table_name FROM information_schema.tables").fetchall()}

        assert opened.execute(REFERRALS).fetchone() == before
    assert after[0] == before[0] + 1
    assert {"mart_locality_need", "fct_alerts", "dim_area", "builds"} <= tables
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.glob("warehouse*")] == [file.name]


def test_a_file_that_cannot_be_written_does_not_fail_a_build(warm, make, monkeypatch):
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("streams.marts.warehouse_file.Warehouse.write", full)
    warm.lake.land(make.referral("S3", "FS3"))

    assert warm.builder.build(tests=False).ok


def test_a_file_that_somebody_else_put_there_is_not_built_upon(warm, make):
    warm.builder.build(tests=False)
    file = warehouse(warm.settings)
    file.write_bytes(b"not a database")
    warm.lake.land(make.referral("S4", "FS4"))
    warm.builder.build(tests=False)

    with duckdb.connect(str(file), read_only=True) as opened:
        assert opened.execute(REFERRALS).fetchone()[0] == warm.lake.one(
            "SELECT count(*) FROM marts.analytics.fct_referrals"
        )
