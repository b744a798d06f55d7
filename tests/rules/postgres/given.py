"""Translate a query on the table of random rows to PostgreSQL."""

import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.schema import MappingSchema

from streams.rules.postgres.rewriting import Place
from streams.rules.postgres.transpile import transpile
from streams.rules.postgres.types import Composites
from tests.rules.postgres.rows import COLUMNS

__all__ = ["SCHEMA", "TYPES", "derived"]

SCHEMA = "constructs"
_NAMES = {
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.bool_(): "BOOLEAN",
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.timestamp("us"): "TIMESTAMP",
    pa.time64("us"): "TIME",
    pa.list_(pa.string()): "VARCHAR[]",
    pa.list_(pa.int32()): "INTEGER[]",
}
TYPES = {name: _NAMES[type_] for name, type_ in COLUMNS.items()}
"""The columns of `given` with their DuckDB types."""


def derived(sql: str) -> tuple[str, Place]:
    """Translate a query on `given` to PostgreSQL, and list the database objects that the translation needs."""
    place, schema = Place(SCHEMA, Composites(SCHEMA)), MappingSchema(dialect="duckdb")
    schema.add_table(exp.to_table("landing.main.given"), TYPES, dialect="duckdb")
    tree = sqlglot.parse_one(sql, read="duckdb")
    for table in tree.find_all(exp.Table):
        if table.name == "given":
            table.set("catalog", exp.to_identifier("landing"))
            table.set("db", exp.to_identifier("main"))
    return transpile(tree, schema, lambda relation: relation.rpartition(".")[2], place), place
