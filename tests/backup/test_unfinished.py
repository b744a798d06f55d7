"""A restore that is interrupted at any step goes on, and until then nobody reads what it has made."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from streams.backup.catalog import refuse_loaded
from streams.backup.folder import BackupFolder
from streams.backup.put_back import Aside, alone, refuse_taken_places
from streams.backup.take import back_up
from streams.backup.unfinished import Unfinished, unfinished_in
from streams.cli import restore
from streams.cli.main import caf
from streams.erase.records import Records
from streams.errors import BackupInvalid, LakeUnavailable, RestoreRefused
from streams.kafka import client
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.lake.unfinished import mark
from streams.settings import Settings
from streams.stack import postgres as embedded
from streams.stack import stack
from streams.stack.ports import free_ports
from tests.backup.test_folder import POOLED
from tests.erase.conftest import CHILD, FAMILY, GONE, STAYING, Home
from tests.erase.test_restored import land
from tests.lake.files import rows_in_files

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


@pytest.fixture
def backups(
    fresh_settings: Settings, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Two backups of a lake with two families. Between them, one family was erased, which only the record says."""
    monkeypatch.setattr(client, "_BOOTSTRAP_TIMEOUT_MS", 300)
    broker = f"127.0.0.1:{free_ports(1)[0]}"  # no broker answers there
    own = replace(fresh_settings, home=tmp_path / "lost", postgres=postgres.url, kafka=broker)
    own.home.mkdir()
    home = Home(own)
    land(own, [*home.story(FAMILY, GONE), *home.story(STAYING, "stay5086")])
    with connect(own, landing="read_write", marts=None) as lake:
        lake.execute("UPDATE landing.main.events SET topic = 'x'")  # no topic has these offsets
    folder = BackupFolder(tmp_path / "backups")
    back_up(own, folder, keep=None, say=lambda _: None)
    erasure = Records(own).request([FAMILY], [CHILD], "asked for by the family", "anna")
    erasure.state, erasure.done_at = "done", datetime.now(UTC) + timedelta(hours=1)
    Records(own).forget_ids(erasure)
    back_up(own, folder, keep=None, say=lambda _: None)
    monkeypatch.undo()
    return folder.path


@pytest.fixture
def target(
    fresh_settings: Settings, postgres: Postgres, make_home: Callable[[str], Path], request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """Where to restore: into a home with a server of its own, or into a database and a folder elsewhere."""
    home, port = make_home("r"), free_ports(1)[0]
    own = Settings(home=home, kafka_port=port, partitions=1, database=f"{fresh_settings.database}_r")
    elsewhere = replace(own, postgres=postgres.url, lake_data=str(home.parent / "lake"))
    yield elsewhere if request.param == "elsewhere" else own
    stack.down(own)
    postgres.drop(own.database)


def start(settings: Settings) -> None:
    """Start the server of a home that has its own."""
    if not settings.postgres:
        embedded.start(settings)


def remarks(settings: Settings) -> str:
    """Everything that the files of the lake say. Each of them belongs to the lake."""
    return repr(list(rows_in_files(settings)))


@pytest.mark.long
@pytest.mark.parametrize(
    ("target", "after"),
    [("elsewhere", "apply_erasures"), ("elsewhere", "land"), ("own", "land"), ("own", "note_unseen")],
    indirect=["target"],
)
def test_an_interrupted_restore_goes_on_and_nobody_reads_meanwhile(
    target: Settings, backups: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """The erasures that came after the backup are applied before anybody else can open the lake."""
    oldest, work = BackupFolder(backups).names()[0], getattr(restore, after)

    def interrupted(*args: object, **options: object) -> None:
        work(*args, **options)
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(restore, after, interrupted)
        first = invoke(target, str(backups), "--backup", oldest)
    left = unfinished_in(target.home)
    start(target)
    with pytest.raises(LakeUnavailable, match=f"finish this with: ./caf restore .* --home {target.home}"):
        connect(target)
    second = invoke(target)

    assert isinstance(first.exception, Interrupted)
    assert left is not None
    assert second.exit_code == 0, second.output
    assert unfinished_in(target.home) is None
    start(target)
    with connect(target, marts=None) as lake:
        found = lake.execute("SELECT DISTINCT family_id FROM landing.main.events WHERE family_id IS NOT NULL")
        assert found.fetchall() == [(STAYING,)]
    assert GONE not in remarks(target)
    assert not list(Path(target.lake_folder).glob("caf-restoring"))


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
