"""Every construct gives the same result in PostgreSQL as in DuckDB on random rows."""

import json
import unicodedata
from contextlib import closing
from pathlib import Path

import duckdb
import psycopg2
import pytest

from streams.rules.postgres import derive
from streams.rules.postgres.rows import as_rows
from tests.rules.postgres.constructs import CONSTRUCTS
from tests.rules.postgres.given import SCHEMA, TYPES, derived
from tests.rules.postgres.rows import COLUMNS, rows

HELPERS = Path(derive.__file__).with_name("helpers.sql")


@pytest.fixture(scope="module")
def reference():
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.fixture(scope="module")
def cursor(postgres):
    with closing(psycopg2.connect(postgres.dsn("constructs"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"SET timezone = 'UTC'; CREATE SCHEMA {SCHEMA}")
            cursor.execute(HELPERS.read_text().format(schema=SCHEMA))
            yield cursor
    postgres.drop("constructs")


def in_postgres(cursor, sql: str, names: list[str], given) -> list:
    text, place = derived(sql)
    listed = ", ".join(f'"{name}" {place.composites.name(type_)}' for name, type_ in TYPES.items())
    answer = ", ".join(f'"{name}"' for name in names)
    cursor.execute("BEGIN")
    try:
        for command in (*place.composites.ddl.values(), *place.functions.values()):
            cursor.execute(command)
        cursor.execute(
            f"PREPARE query (json) AS WITH given AS (SELECT * FROM json_to_recordset($1) AS given ({listed})) "
            f"SELECT json_build_array({answer}) FROM (\n{text}\n) AS answers"
        )
        cursor.execute("EXECUTE query (%s)", [as_rows(given, COLUMNS)])
        return [row[0] for row in cursor.fetchall()]
    finally:
        cursor.execute("ROLLBACK; DEALLOCATE ALL")


def plain(value: object) -> object:
    """A DuckDB value as it would be in JSON."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def in_order(found: list) -> list[str]:
    return sorted(json.dumps(row) for row in found)


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_construct_gives_the_same_result(name, reference, cursor):
    """The rows have NULLs, ties, duplicates, month ends, clock changes and non-ASCII letters. One table has no rows."""
    for given in (*map(rows, range(3)), rows(0, 0)):
        reference.register("given", given)
        asked = reference.execute(CONSTRUCTS[name])
        names = [column[0] for column in asked.description]
        expected = [list(map(plain, row)) for row in asked.fetchall()]

        assert in_order(in_postgres(cursor, CONSTRUCTS[name], names, given)) == in_order(expected)
        assert expected or not given.num_rows


@pytest.mark.parametrize(
    "expression",
    [
        "s < r",
        "s >= 'a'",
        "'a' < s",
        "greatest('a', s)",
        "md5(s) < r",
        "s BETWEEN 'a' AND r",
        "greatest(s, r)",
        "(s, i) < (r, j)",
        "max(s) OVER ()",
        "row_number() OVER (ORDER BY s)",
        "row_number() OVER (ORDER BY (i, s))",
        "list_sort(l)",
        "list_sort([s, r])",
        "arg_min(i, (s, id)) OVER (PARTITION BY grp)",
        "(SELECT arg_max(i, s) FROM given)",
        "list_sort([{'s': s}])[-1].s",
    ],
)
def test_text_is_ordered_by_its_bytes_in_any_locale(expression):
    """The embedded server uses the locale C, so other tests do not show how a database with another locale sorts."""
    text, place = derived(f"SELECT {expression} AS x FROM given")

    assert 'COLLATE "C"' in text + "".join(place.composites.ddl.values())


def test_small_letters_are_the_same_for_every_letter(reference, cursor):
    """The letters are all letters of Python's Unicode table. PostgreSQL may know more recent letters than DuckDB."""
    letters = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)).startswith("L")]
    small = dict(reference.execute("SELECT s, lower(s) FROM (SELECT unnest($1) AS s) AS given", [letters]).fetchall())
    text, _ = derived("SELECT s, lower(s) AS x FROM given")
    cursor.execute(f"WITH given AS (SELECT unnest(%s) AS s) {text}", [letters])

    assert dict(cursor.fetchall()) == small
