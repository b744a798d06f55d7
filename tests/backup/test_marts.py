"""The marts of a restored home are those of the backup, and a build of the restored records makes them again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.backup.catalog import open_to_all
from streams.backup.folder import BackupFolder
from streams.backup.put_back import Aside, fill_aside, load_lake
from streams.backup.take import back_up
from streams.backup.unfinished import Unfinished
from streams.lake.connect import connect
from streams.lake.unfinished import restoring
from streams.settings import Settings
from streams.stack import postgres
from streams.stack.ports import free_ports
from tests.built import quick_build
from tests.marts.conftest import Lake, contact, referral

BUILT = ("analytics.fct_referrals", "analytics.fct_contacts")
"""Tables of facts. In tables of figures, two builds of the same records may differ in the last digit of a number."""

pytestmark = pytest.mark.slow


def quiet(_: object) -> None:
    pass


@pytest.fixture
def settings_of(make_home: Callable[[str], Path]) -> Iterator[Callable[[], Settings]]:
    """Makes settings of homes without a broker, and stops the servers of these homes."""
    made: list[Settings] = []

    def make() -> Settings:
        made.append(Settings(home=make_home("h"), kafka=f"127.0.0.1:{free_ports(1)[0]}"))
        return made[-1]

    yield make
    for settings in made:
        postgres.stop(settings)


def content(settings: Settings) -> dict[str, tuple[int, int]]:
    """For each table of the marts, the number of its rows and the sum of their hashes."""
    with connect(settings, landing=None) as lake:
        tables = lake.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'marts'"
        ).fetchall()
        return {
            table: lake.execute(f"SELECT count(*), sum(hash(t)::HUGEINT) FROM marts.{table} AS t").fetchone()
            for (table,) in tables
        }


def test_marts_come_back_and_are_built_again_from_the_restored_records(
    settings_of: Callable[[], Settings], lend_rules: Callable[[Path], Path], tmp_path: Path
) -> None:
    """Tables that no build makes, as those of published figures, come back too."""
    old, new = settings_of(), settings_of()
    lend_rules(old.home)
    postgres.start(old)
    lake = Lake(old)
    lake.land(contact("F1"), contact("F2"), referral("R-1"), referral("R-2"), referral("R-3", "F2"))
    quick_build(old)
    lake.duckdb.execute("CREATE SCHEMA marts.released; CREATE TABLE marts.released.counts AS SELECT 7 AS count")
    lake.duckdb.close()
    folder = BackupFolder(tmp_path / "backups")
    name = back_up(old, folder, keep=None, say=quiet).name
    before = content(old)
    postgres.stop(old)
    manifest, aside = folder.manifest(name), Aside(new, replaces=False)
    aside.make()
    fill_aside(folder, name, manifest, aside, quiet)
    unfinished = Unfinished(folder=str(folder.path), key="", name=name, manifest=manifest)
    aside.take_its_place(unfinished)
    lend_rules(new.home)
    postgres.start(new)
    with restoring():
        load_lake(folder, name, manifest, new, unfinished.command(new.home))
        open_to_all(new)

    assert content(new) == before
    assert before.keys() >= {*BUILT, "released.counts"}

    quick_build(new)
    after = content(new)

    assert {table: after[table] for table in BUILT} == {table: before[table] for table in BUILT}
    assert after["released.counts"] == before["released.counts"]
