"""A restore that is interrupted at any step goes on, and until then nobody reads what it has made."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from streams.backup.catalog import refuse_loaded
from streams.backup.folder import BackupFolder
from streams.backup.put_back import Aside, alone, refuse_taken_places
from streams.backup.unfinished import Unfinished, unfinished_in
from streams.cli.main import caf
from streams.errors import BackupInvalid, LakeUnavailable, RestoreRefused
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.lake.unfinished import mark
from streams.settings import Settings
from streams.stack.ports import free_ports
from tests.backup.test_folder import POOLED

REPLACED = ("lake", "postgres", "warehouse.duckdb")
KEPT = ("kafka", "secrets", "notebooks")


class Interrupted(Exception):
    """The process ends here."""


@pytest.fixture
def unfinished(tmp_path: Path, make: Callable[..., str]) -> Unfinished:
    folder = BackupFolder(tmp_path / "backups")
    name = make(folder)
    manifest = structs.replace(folder.manifest(name), files=[])
    return Unfinished(folder=str(folder.path), key="", name=name, manifest=manifest)


def written(folder: Path, *names: str, text: str) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "content").write_text(text)


def content(folder: Path) -> dict[str, str]:
    return {file.parent.name: file.read_text() for file in folder.glob("*/content")}


@pytest.mark.parametrize("step", range(8))
def test_entries_are_moved_into_a_home_once_wherever_it_is_interrupted(
    tmp_path: Path, unfinished: Unfinished, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """What is replaced stays in one folder, and what the home keeps stays where it is."""
    home, moves, rename = tmp_path / "home", iter(range(step)), Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if path.parent in {home, home / ".restoring"} and next(moves, None) is None:
            raise Interrupted
        return rename(path, target)

    written(home, *REPLACED, *KEPT, text="old")
    aside = Aside(Settings(home=home), replaces=True)
    aside.make()
    written(aside.path, "lake", "postgres", "desk", "kafka", text="new")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", interrupted)
        try:
            aside.take_its_place(unfinished)
        except Interrupted:
            aside.remove()  # as at the end of a process that is not killed
    left = unfinished_in(home)
    assert left is not None
    Aside(Settings(home=home), replaces=False).move_in(left)

    assert content(home) == {"lake": "new", "postgres": "new", "desk": "new"} | dict.fromkeys(KEPT, "old")
    assert content(home / left.replaced) == dict.fromkeys(REPLACED, "old")
    assert not aside.path.exists()


def test_what_another_restore_has_left_is_not_moved_in(tmp_path: Path, unfinished: Unfinished) -> None:
    home = tmp_path / "home"
    home.mkdir()
    unfinished.save(home)
    aside = Aside(Settings(home=home), replaces=False)
    aside.make()
    written(aside.path, "lake", text="half")
    structs.replace(unfinished, name="20261130T013000.000000Z").save(aside.path)
    aside.move_in(unfinished)

    assert content(home) == {}


def test_up_names_the_command_that_finishes_the_restore(tmp_path: Path, unfinished: Unfinished) -> None:
    home = tmp_path / "home"
    home.mkdir()
    unfinished.save(home)
    error = CliRunner().invoke(caf, ["up"], env={"CAF_HOME": str(home)}).exception

    assert isinstance(error, RestoreRefused)
    assert str(error).endswith(f"./caf restore {unfinished.folder} --backup {unfinished.name} --home {home}")


def test_two_restores_into_a_home_do_not_meet(tmp_path: Path, unfinished: Unfinished) -> None:
    """The second one would remove what the first one has copied."""
    for home in (tmp_path / "new", tmp_path):
        with alone(home):
            done = invoke(Settings(home=home), unfinished.folder)
        assert isinstance(done.exception, RestoreRefused)
        assert "another process restores into" in str(done.exception)
    assert not (tmp_path / "new").exists()


def test_a_lake_elsewhere_is_emptied_only_if_a_restore_left_it(tmp_path: Path, make: Callable[..., str]) -> None:
    folder, lake, home = BackupFolder(tmp_path / "backups"), tmp_path / "lake", tmp_path / "home"
    make(folder)
    settings = Settings(home=home, lake_data=str(lake))
    written(lake, "landing", text="somebody else's")
    with pytest.raises(RestoreRefused, match="is not empty"):
        refuse_taken_places(settings, may_replace=False)
    (folder.path / POOLED).unlink()
    (lake / "landing" / "content").unlink()
    (lake / "landing").rmdir()
    done = invoke(settings, str(folder.path))

    assert isinstance(done.exception, BackupInvalid)
    assert list(lake.iterdir()) == []

    (lake / "caf-restoring").touch()  # of a restore that was killed
    written(lake, "landing", text="half")
    refuse_taken_places(settings, may_replace=False)
    done = invoke(settings, str(folder.path))

    assert isinstance(done.exception, BackupInvalid)
    assert list(lake.iterdir()) == []


def invoke(settings: Settings, *words: str) -> Result:
    port = str(free_ports(1)[0])
    return CliRunner().invoke(caf, ["restore", *words, "--yes"], env={**settings.to_env(), "CAF_KAFKA_PORT": port})


@pytest.mark.slow
def test_only_a_lake_that_a_restore_left_is_replaced(fresh_settings: Settings, postgres: Postgres) -> None:
    own = replace(fresh_settings, postgres=postgres.url)
    with pytest.raises(RestoreRefused, match="holds a lake already"):
        refuse_loaded(own)
    with closing(psycopg2.connect(postgres.dsn(own.database))) as connection, connection, connection.cursor() as cursor:
        mark(cursor, "./caf restore")
    refuse_loaded(own)
    with pytest.raises(LakeUnavailable, match=r"finish this with: \./caf restore"):
        connect(own)
