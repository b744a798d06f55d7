"""
Where a build keeps its tables: a DuckDB file of the process's own, so that memory holds what is being worked on.

In memory alone, most columns of a million events would take 1.5 GB; in a file they are compressed as they are written.
The file has no name once it is open: nobody else can read it, and it ends with the process, however that ends.
"""

import atexit
from collections.abc import Iterable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import duckdb
import psutil

from streams.lake.quoted import quoted
from streams.marts.work_folder import work_folder
from streams.settings import Settings

__all__ = ["machine_mb", "settle"]

_OF_THE_CONTAINER = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux says how much memory the processes of a container may have; a word means that nothing limits them."""

_IS_IN_MEMORY = "SELECT count(*) > 0 FROM duckdb_databases() WHERE database_name = 'marts' AND path IS NULL"


def machine_mb(limits: Iterable[Path] = _OF_THE_CONTAINER) -> int:
    """How much memory there is, in MB: the machine's, or what its container may have of it."""
    texts = [path.read_text().strip() for path in limits if path.exists()]
    return min([psutil.virtual_memory().total, *(int(text) for text in texts if text.isdigit())]) // 2**20


def settle(session: duckdb.DuckDBPyConnection, settings: Settings, memory_mb: int) -> None:
    """
    Have the catalog `marts` of the session, if it is in memory and empty yet, in a file, and limit the memory.

    What a query needs beyond it is written to files beside that.
    """
    if not session.execute(_IS_IN_MEMORY).fetchone()[0]:
        return
    folder = Path(mkdtemp(dir=_folder(settings.home)))
    session.execute(f"SET temp_directory = {quoted(folder / 'spilled')}")
    session.execute(f"SET memory_limit = '{memory_mb}MB'")
    # Not by itself in the middle of a build: whoever builds says when.
    session.execute("SET checkpoint_threshold = '1TB'")
    session.execute("DETACH marts")
    file = folder / "marts.duckdb"
    # Whatever fails is built anew: nothing in it needs to outlive a crash.
    session.execute(f"ATTACH {quoted(file)} AS marts (RECOVERY_MODE no_wal_writes)")
    file.unlink()


@cache
def _folder(home: Path) -> Path:
    """The process's own, until it ends."""
    kept = ExitStack()
    atexit.register(kept.close)
    return kept.enter_context(work_folder(home / "dbt", "building-"))
