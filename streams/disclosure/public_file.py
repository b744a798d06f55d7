"""The file with the published figures. It contains nothing else, so it may be given to anybody."""

from pathlib import Path

import duckdb

from streams.disclosure.tables import COMMENTS
from streams.errors import DisclosureUnsafe
from streams.lake.one_row import one_row
from streams.lake.quoted import quoted

__all__ = ["check_file_is_continued", "write_file"]


def check_file_is_continued(lake: duckdb.DuckDBPyConnection, file: Path) -> None:
    """
    Refuse to replace a public file if the lake does not know all the releases in the file.

    A lake that was created anew does not know what was published before. It would publish the same quarters with other
    figures.

    Raises:
        DisclosureUnsafe: the file contains a release that the lake does not know.
    """
    if not file.exists():
        return
    lake.execute(f"ATTACH {quoted(file)} AS outside (READ_ONLY)")
    (unknown,) = one_row(lake.execute("SELECT count(*) FROM (FROM outside.releases EXCEPT FROM marts.public.releases)"))
    lake.execute("DETACH outside")
    if unknown:
        raise DisclosureUnsafe(
            f"{file.name} has {unknown} releases that this lake does not know; allowed: this lake's file, or a new one"
        )


def write_file(lake: duckdb.DuckDBPyConnection, into: Path) -> None:
    """
    Write the public tables to a new file, and then replace the old file with it.

    So a reader always sees a complete file.
    """
    writing = into.with_name(f".{into.name}.writing")
    writing.unlink(missing_ok=True)
    into.parent.mkdir(parents=True, exist_ok=True)
    lake.execute(f"ATTACH {quoted(writing)} AS outside")
    for name, comment in COMMENTS.items():
        lake.execute(f"CREATE TABLE outside.{name} AS FROM marts.public.{name} ORDER BY ALL")
        lake.execute(f"COMMENT ON TABLE outside.{name} IS '{comment}'")
    lake.execute("DETACH outside")
    writing.replace(into)
