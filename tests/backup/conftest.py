"""A backup folder with one backup of a few files, made without any server."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from streams.backup.folder import UNFINISHED, BackupFolder, name_at
from streams.backup.manifest import FORMAT, File, Manifest

CONTENT = {"files/landing/main/events/one.parquet": b"rows" * 700_000, "home/desk/accounts.json": b"{}"}
"""Files of a backup. The first one is longer than two blocks."""


HOME = Path("/a/home")


@pytest.fixture
def make() -> Callable[..., str]:
    """Makes a backup with the given files, and returns its name."""

    def make(folder: BackupFolder, content: dict[str, bytes] = CONTENT, **changed: object) -> str:
        with folder.prepared(HOME):
            return _made(folder, content, changed)

    return make


def _made(folder: BackupFolder, content: dict[str, bytes], changed: dict[str, object]) -> str:
    taken = datetime.now(UTC)
    name, files = name_at(taken), []
    for path, data in content.items():
        is_shared = path.startswith("files/")
        stored = folder.store(io.BytesIO(data), path if is_shared else f"{UNFINISHED}/{path}")
        files.append(File(path if is_shared else f"{name}/{path}", stored.size, stored.sha256))
    facts = {
        "format": FORMAT,
        "duckdb": duckdb.__version__,
        "lake": "a lake",
        "taken_at": taken,
        "landed_until": None,
        "events_a_day": 0.0,
        "unlanded": 0,
        "rows": {"events": 0},
        "settings": {},
        "tables": [],
        "files": files,
    }
    folder.finish(name, Manifest(**facts | changed))
    return name


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A key file that only its owner can read."""
    file = tmp_path / "key"
    file.write_text("a passphrase of several words\n")
    file.chmod(0o600)
    return file
