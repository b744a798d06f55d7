"""A restore that is interrupted goes on, and until then nobody reads what it has made."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.backup.folder import BackupFolder
from streams.backup.take import back_up
from streams.backup.unfinished import unfinished_in
from streams.cli import restore
from streams.erase.records import Records
from streams.errors import LakeUnavailable
from streams.kafka import client
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.settings import Settings
from streams.stack import postgres as embedded
from streams.stack import stack
from streams.stack.ports import free_ports
from tests.backup.test_unfinished import Interrupted, invoke
from tests.erase.conftest import CHILD, FAMILY, GONE, STAYING, Home
from tests.erase.test_restored import land
from tests.lake.files import rows_in_files

pytestmark = pytest.mark.long


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
