"""
Translate the stream's compiled models to PostgreSQL, and cache the translation beside the compiled models.

The translated rules have a PostgreSQL schema of their own, which is named after a hash of their content. So two
versions of the rules can exist side by side.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.schema import MappingSchema

from streams.rules.compiled import CompiledRules, Model
from streams.rules.inputs import INPUTS
from streams.rules.postgres.reference import Reference
from streams.rules.postgres.rewriting import Place
from streams.rules.postgres.supported import NotKnown
from streams.rules.postgres.transpile import transpile
from streams.rules.postgres.types import Composites

__all__ = ["Derived", "derived", "relation_name"]

_HERE = Path(__file__).parent
_GIVEN = (*(f"landing.main.{table}" for table in INPUTS), "marts.run.cut", "marts.run.as_of")
_LONGEST_NAME = 63
"""
The maximum length of a name in PostgreSQL, in bytes.

PostgreSQL cuts off longer names. Two different names may then become the same name.
"""


class Derived(msgspec.Struct, frozen=True):
    """
    The rules for PostgreSQL.

    Attributes:
        schema: the schema with everything that the rules need in the database.
        models: the SQL of each model that is not static, by name.
        inputs: the columns that models read, with their PostgreSQL types, for each table of `landing.main`.
        unread: columns that models name only in order to leave them out.
        tables: the DuckDB relation of each seed and static model, by name.
        columns: the columns of these tables and of the models, with their PostgreSQL types.
        looked_up: columns of these tables by which models find rows.
        setup: statements that create helper functions, types and functions, in order.
    """

    schema: str
    models: dict[str, str]
    inputs: dict[str, dict[str, str]]
    unread: dict[str, dict[str, str]]
    tables: dict[str, str]
    columns: dict[str, dict[str, str]]
    looked_up: list[tuple[str, str]]
    setup: list[str]


def derived(compiled: CompiledRules) -> Derived:
    """
    Translate the models, or read the cached translation if the models have not changed.

    Raises:
        NotKnown: a part of a model is not known to mean the same in PostgreSQL. The message names model and line.
    """
    digest = _digest(compiled)
    cache = compiled.seeds.parent / f"postgres-{digest}.json"
    if not cache.exists():
        building = cache.with_suffix(f".{os.getpid()}")
        building.write_bytes(msgspec.json.encode(_derive(compiled, f"rules_{digest}")))
        building.rename(cache)
    return msgspec.json.decode(cache.read_bytes(), type=Derived)


def relation_name(relation: str) -> str:
    """
    Return the name that a relation has in a statement, if the relation is filled anew at each evaluation.

    The name contains a dot. No query inside a model has a name with a dot, so the names cannot clash.
    """
    return relation.replace('"', "").partition(".")[2]


def _digest(compiled: CompiledRules) -> str:
    """Return a digest of all inputs of the translation."""
    version = sqlglot.__version__  # type: ignore[attr-defined]  # set by a `try` that mypy does not follow
    digest = hashlib.sha256(f"{compiled.checksum} {version} {INPUTS}".encode())
    for file in sorted(_HERE.iterdir()):
        if file.suffix in {".py", ".sql"}:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _derive(compiled: CompiledRules, schema: str) -> Derived:
    place, reference = Place(schema, Composites(schema)), Reference(compiled)
    try:
        static = {model.name: model.relation.replace('"', "") for model in compiled.models.values() if model.is_static}
        tables = {relation.rpartition(".")[2]: relation for relation in reference.seeds} | static
        inputs = {table: _types(table, reference.columns(f"landing.main.{table}"), place) for table in INPUTS}
        trees = {name: _parsed(model) for name, model in compiled.models.items()}
        read = _columns_read(trees.values())
        looked_up = {found for tree in trees.values() for found in _looked_up(tree, tables)}
        models = _models(compiled, trees, reference, tables, place)
        relations = tables | {model.name: model.relation for model in compiled.models.values()}
        columns = {name: _types(name, reference.columns(relation), place) for name, relation in relations.items()}
    finally:
        reference.close()
    helpers = (_HERE / "helpers.sql").read_text().format(schema=schema)
    return Derived(
        schema,
        models,
        {table: {name: type_ for name, type_ in of.items() if name in read} for table, of in inputs.items()},
        {table: {name: type_ for name, type_ in of.items() if name not in read} for table, of in inputs.items()},
        tables,
        columns,
        sorted((table, column) for table, column in looked_up if column in columns[table]),
        [helpers, *place.composites.ddl.values(), *place.functions.values()],
    )


def _parsed(model: Model) -> exp.Expr:
    try:
        return sqlglot.parse_one(model.sql, read="duckdb")
    except SqlglotError as error:
        raise NotKnown(f"{model.name}: sqlglot cannot read it: {' '.join(str(error).split())[:200]}") from None


def _models(
    compiled: CompiledRules,
    trees: Mapping[str, exp.Expr],
    reference: Reference,
    tables: Mapping[str, str],
    place: Place,
) -> dict[str, str]:
    """
    Return the SQL of the models that are not static.

    Each model is translated after the models it reads, because the translation needs their columns.
    """
    schema = MappingSchema(dialect="duckdb")

    def add(relation: str) -> None:
        schema.add_table(exp.to_table(relation, dialect="duckdb"), reference.columns(relation), dialect="duckdb")

    for relation in (*tables.values(), *_GIVEN):
        add(relation)
    called = _names(tables, place)
    texts = {}
    for model in compiled.models.values():
        if model.is_static:
            continue
        try:
            texts[model.name] = transpile(trees[model.name], schema, called, place)
        except NotKnown as error:
            raise NotKnown(f"{model.name}, {error}") from None
        add(model.relation.replace('"', ""))
    return texts


def _names(tables: Mapping[str, str], place: Place) -> Callable[[str], str]:
    kept = {relation: table for table, relation in tables.items()}

    def called(relation: str) -> str:
        if relation in kept:
            return f'{place.schema}."{kept[relation]}"'
        name = relation_name(relation)
        if len(name.encode()) > _LONGEST_NAME:
            raise NotKnown(f"{name} is longer than the {_LONGEST_NAME} bytes that a name may have in PostgreSQL")
        return f'"{name}"'

    return called


def _types(relation: str, columns: Mapping[str, str], place: Place) -> dict[str, str]:
    try:
        return {name: place.composites.name(type_) for name, type_ in columns.items()}
    except NotKnown as error:
        raise NotKnown(f"{relation}: {error}") from None


def _columns_read(trees: Iterable[exp.Expr]) -> set[str]:
    """Return the columns that models name. A column does not count if models name it only in order to leave it out."""
    columns = [column for tree in trees for column in tree.find_all(exp.Column) if column.arg_key != "except_"]
    return {part.name for column in columns for part in column.parts}


def _looked_up(tree: exp.Expr, tables: Collection[str]) -> set[tuple[str, str]]:
    """Return the columns of seeds and static models that a condition compares for equality."""
    aliases = {table.alias_or_name: table.name for table in tree.find_all(exp.Table) if table.name in tables}
    sides = [side for equal in tree.find_all(exp.EQ) for side in (equal.left, equal.right)]
    return {
        (aliases[side.table], side.name) for side in sides if isinstance(side, exp.Column) and side.table in aliases
    }
