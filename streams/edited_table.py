"""Read a small CSV table that people edit, perhaps with a spreadsheet program."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from streams.errors import CafError

__all__ = ["edited_table"]


def edited_table(
    file: Path, columns: Sequence[str], refused: type[CafError], variable: str
) -> Iterator[tuple[str, dict[str, str]]]:
    """
    Yield each line of a table as it is now, after its place, with which a message about the line begins.

    The table may begin with the byte order mark that Excel writes.

    Args:
        refused: the error to raise if this is not such a table.
        variable: the environment variable that names the file.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise refused(f"the table {file} cannot be read ({why}); see {variable}") from None
    rows = csv.DictReader(text.splitlines(), strict=True)
    try:
        if rows.fieldnames != list(columns):
            raise refused(f"{file}: the first line must be {','.join(columns)}")
        for row in rows:
            where = f"{file}, line {rows.line_num}"
            if None in row or None in row.values():
                raise refused(
                    f"{where}: allowed: a value for each of {', '.join(columns)}; put a value that contains a comma "
                    "into quotes"
                )
            yield where, row
    except csv.Error:
        raise refused(f"{file}, line {rows.line_num}: this is not CSV") from None
