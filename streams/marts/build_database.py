"""
Keep the tables of a build in a DuckDB file. Then only the data that DuckDB is working on must fit into memory.

In memory, most columns of a million events would take 1.5 GB. In a file, DuckDB compresses the columns. The file's name
is removed as soon as the file is open. So no other process can read the file, and the operating system deletes the file
whenever the process ends.
"""

import atexit
from collections.abc import Iterable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import duckdb
import psutil

from streams.lake.one_row import one_row
from streams.lake.quoted import quoted
from streams.marts.work_folder import work_folder
from streams.settings import Settings

__all__ = ["machine_mb", "settle"]

_OF_THE_CONTAINER = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""
Files in which Linux keeps the memory limit of a container. If such a file contains a word instead of a number, there is
no limit.
"""

_IS_IN_MEMORY = "SELECT count(*) > 0 FROM duckdb_databases() WHERE database_name = 'marts' AND path IS NULL"


def machine_mb(limits: Iterable[Path] = _OF_THE_CONTAINER) -> int:
    """Return the memory of the machine in MB, or the limit of its container if that is lower."""
    texts = [path.read_text().strip() for path in limits if path.exists()]
    total: int = psutil.virtual_memory().total
    return min([total, *(int(text) for text in texts if text.isdigit())]) // 2**20


def settle(session: duckdb.DuckDBPyConnection, settings: Settings, memory_mb: int) -> None:
    """
    Move the session's catalog `marts` from memory to a file, and limit the memory.

    If the catalog is in a file already, do nothing.

    At this point, the catalog is still empty. If a query needs more memory than the limit, it writes temporary files
    beside the catalog's file.
    """
    if not one_row(session.execute(_IS_IN_MEMORY))[0]:
        return
    folder = Path(mkdtemp(dir=_folder(settings.home)))
    session.execute(f"SET temp_directory = {quoted(folder / 'spilled')}")
    session.execute(f"SET memory_limit = '{memory_mb}MB'")
    # DuckDB must not compress the file while a build runs. `WarmBuilder` compresses the file after the build.
    session.execute("SET checkpoint_threshold = '1TB'")
    session.execute("DETACH marts")
    file = folder / "marts.duckdb"
    # A write-ahead log is not needed: after a crash everything is built again, so the file does not have to survive.
    session.execute(f"ATTACH {quoted(file)} AS marts (RECOVERY_MODE no_wal_writes)")
    file.unlink()


@cache
def _folder(home: Path) -> Path:
    """Return the folder of this process. The folder is removed when the process ends."""
    kept = ExitStack()
    atexit.register(kept.close)
    return kept.enter_context(work_folder(home / "dbt", "building-"))
