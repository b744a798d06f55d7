"""The files of a lake can be read only with the keys in its catalog."""

from pathlib import Path

import duckdb
import pytest

from streams.bench.open_lake import make_open_lake
from streams.lake.connect import connect
from streams.lake.maintain import maintain
from streams.settings import Settings
from tests.lake.files import keys_of_files, rows_in_files

SECRET = "F-secret-0001"


def insert(settings: Settings, *families: str) -> None:
    with connect(settings, landing="read_write") as lake:
        for family in families:
            lake.execute(f"INSERT INTO landing.main.events BY NAME SELECT '{family}' AS family_id")


def families(settings: Settings) -> list[str]:
    with connect(settings) as lake:
        return [one for (one,) in lake.execute("SELECT family_id FROM landing.main.events ORDER BY ALL").fetchall()]


def test_file_of_the_lake_cannot_be_read_without_its_key(fresh_settings: Settings) -> None:
    """Somebody who has only the files learns neither rows, nor columns, nor the smallest and largest values."""
    insert(fresh_settings, SECRET)
    (file,) = Path(fresh_settings.lake_folder).rglob("*.parquet")

    with pytest.raises(duckdb.InvalidInputException, match="is encrypted"):
        duckdb.execute("FROM read_parquet(?)", [str(file)])
    with pytest.raises(duckdb.InvalidInputException, match="is encrypted"):
        duckdb.execute("FROM parquet_metadata(?)", [str(file)])
    content = file.read_bytes()
    assert SECRET.encode() not in content
    assert b"family_id" not in content
    assert [SECRET in row for _, row in rows_in_files(fresh_settings)] == [True]


def test_each_file_has_a_key_of_its_own_after_deletes_and_maintenance(fresh_settings: Settings) -> None:
    """So the key of a file that was erased opens nothing else. Files of deleted rows are encrypted as well."""
    insert(fresh_settings, *(f"F-{n}" for n in range(3)))
    with connect(fresh_settings, landing="read_write") as lake:
        lake.execute("INSERT INTO landing.main.events BY NAME SELECT 'F-' || (range + 3) AS family_id FROM range(9)")
        lake.execute("DELETE FROM landing.main.events WHERE family_id = 'F-5'")
    keys = keys_of_files(fresh_settings)
    assert len(keys) == len(set(keys.values())) == 5
    assert all(keys.values())

    maintain(fresh_settings)

    assert all(keys_of_files(fresh_settings).values())
    assert len(families(fresh_settings)) == 11


def test_lake_that_is_not_encrypted_goes_on_as_it_is(fresh_settings: Settings) -> None:
    """DuckLake cannot encrypt a lake that it made without encryption. An earlier version made such lakes."""
    make_open_lake(fresh_settings)
    insert(fresh_settings, "F-1", "F-2")
    with connect(fresh_settings, landing="read_write") as lake:
        lake.execute("DELETE FROM landing.main.events WHERE family_id = 'F-1'")
    maintain(fresh_settings)

    assert families(fresh_settings) == ["F-2"]
    assert set(keys_of_files(fresh_settings).values()) == {None}
