"""
Find the columns of landing tables and seeds on which a rule's alerts depend, from the rule's compiled SQL.

A column counts if it is selected. A column also counts if it decides which rows exist, for example in a condition, a
join, a window or a subquery. The search goes through all models that the rule depends on. If an expression cannot be
resolved, the rule is refused. So no column is ever overlooked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from streams.contracts.landing import landing_tables
from streams.errors import LineageUnknown
from streams.rules.compiled import CompiledRules, Model
from streams.rules.reads import NOTHING, Read, Reads, ReadSet
from streams.rules.run_tables import RUN_COLUMNS

__all__ = ["EVENTS", "PROFILES", "Lineage"]

EVENTS = "landing.main.events"
PROFILES = "marts.reference.practice_profiles"

_LANDING = {f"landing.main.{name}": tuple(table.columns) for name, table in landing_tables().items()}
_UNREADABLE = (exp.Columns, exp.Command, exp.Lateral, exp.Pivot, exp.TableColumn, exp.Unnest)

_Schema = dict[str, Any]
"""Types of columns by catalog, schema and table."""


class _Unresolved(Exception):
    """A part of a query whose columns this module cannot trace."""


@dataclass
class _Clause:
    """A `SELECT` while it is being analysed: the columns of its sources, and the columns on which it depends so far."""

    columns: list[ReadSet]
    rows: ReadSet = NOTHING
    brought: dict[str, ReadSet] = field(default_factory=dict)


class Lineage:
    """
    The columns that each compiled model reads. Marts on which no rule depends are left out.

    Args:
        compiled: the models. The columns of the seeds are read from the seeds' file.
        counts_optional: whether a left join counts even if no column of the joined rows is used. Such a join can only
            duplicate rows, so a person who lists what a rule reads would leave it out.
        kept: columns to ignore, by model. If such a column only decides which rows the model has, it does not count for
            this model, nor for the models that read it.

    Raises:
        LineageUnknown: the columns of a model cannot be resolved.
    """

    def __init__(
        self,
        compiled: CompiledRules,
        *,
        counts_optional: bool = True,
        kept: Mapping[str, frozenset[Read]] = MappingProxyType({}),
    ) -> None:
        self._counts_optional = counts_optional
        self._base = _LANDING | dict(RUN_COLUMNS) | _seed_columns(compiled)
        self._models: dict[str, Reads] = {}
        self._scopes: dict[int, Reads] = {}
        self._relations: dict[str, Reads] = {}
        schema: _Schema = {}
        for relation, columns in self._base.items():
            _add(schema, relation, columns)
        for model in _below_the_marts(compiled):
            reads = self._read_model(model, schema)
            reads = replace(reads, rows=reads.rows - kept.get(model.name, NOTHING))
            self._models[model.name] = reads
            self._relations[_plain(model.relation)] = reads
            _add(schema, _plain(model.relation), reads.names)

    def __getitem__(self, model: str) -> Reads:
        return self._models[model]

    def _read_model(self, model: Model, schema: _Schema) -> Reads:
        try:
            tree = qualify(sqlglot.parse_one(model.sql, read="duckdb"), dialect="duckdb", schema=schema)
            self._scopes = {}
            for found in tree.find_all(*_UNREADABLE):
                if not isinstance(found, exp.Unnest) or isinstance(found.parent, exp.From | exp.Join):
                    raise _Unresolved(found.key)
            scope = build_scope(tree)
            if scope is None:
                raise _Unresolved(tree.key)
            return self._read(scope)
        except (SqlglotError, _Unresolved, KeyError, ValueError) as error:
            raise LineageUnknown(f"the columns that {model.name} reads cannot be determined: {error}") from None

    def _read(self, scope: Scope) -> Reads:
        """
        Return the columns that a query reads.

        If a recursive query reads its own earlier rows, the columns that its non-recursive part reads count instead.
        """
        key = id(scope.expression)
        if key not in self._scopes:
            read = self._read_set if isinstance(scope.expression, exp.SetOperation) else self._read_select
            self._scopes[key] = read(scope)
        return self._scopes[key]

    def _read_set(self, scope: Scope) -> Reads:
        left, right = map(self._read, scope.set_operation_scopes)
        operation = scope.expression
        if operation.args.get("by_name"):
            names = tuple(dict.fromkeys([*left.names, *right.names]))
            sides: list[Sequence[ReadSet]] = [
                [side.column(name) if name in side.names else NOTHING for name in names] for side in (left, right)
            ]
        else:
            names, sides = left.names, [left.columns, right.columns]
        columns = tuple(one | other for one, other in zip(*sides, strict=True))
        rows = left.rows | right.rows
        if not isinstance(operation, exp.Union) or operation.args.get("distinct"):
            rows = rows.union(*columns)
        if (clause := operation.find_ancestor(exp.With)) is not None and clause.recursive:
            # In a recursive query, one row leads to the next. This is not traced in detail, so each column counts as
            # depending on all columns.
            columns = (rows.union(*columns),) * len(names)
        return Reads(names, columns, rows)

    def _read_select(self, scope: Scope) -> Reads:
        query = scope.expression
        if isinstance(query, exp.Values) and not query.find(exp.Column, exp.Subquery):
            names = tuple(query.alias_column_names)
            return Reads(names, (NOTHING,) * len(names), NOTHING)
        if not isinstance(query, exp.Select):
            raise _Unresolved(query.key)
        clause = _Clause([NOTHING] * len(query.selects))
        optional = self._join(scope, clause)
        for column in scope.find_all(exp.Column):
            self._place(scope, clause, column, optional)
        for below in scope.subquery_scopes:
            clause.rows |= self._read(below).all
        if query.args.get("distinct"):
            clause.rows = clause.rows.union(*clause.columns)
        return Reads(tuple(query.named_selects), tuple(clause.columns), clause.rows)

    def _join(self, scope: Scope, clause: _Clause) -> set[int]:
        """
        Record the columns that decide which rows the sources have.

        Return the joins that count only if their columns are used.
        """
        optional = set()
        joins = {join.alias_or_name: join for join in scope.expression.args.get("joins") or ()}
        for alias, source in _sources(scope).items():
            join = joins.get(alias)
            if join is not None and (join.method == "NATURAL" or join.args.get("using")):
                raise _Unresolved("a join without a condition")
            found = self._source(source)
            if join is not None and join.side == "LEFT" and not self._counts_optional:
                optional.add(id(join))
                on = (self._resolve(scope, clause, column) for column in join.find_all(exp.Column))
                clause.brought[alias] = found.rows.union(*on)
            else:
                clause.rows |= found.rows
        return optional

    def _place(self, scope: Scope, clause: _Clause, column: exp.Column, optional: set[int]) -> None:
        """
        Record a column that a select reads.

        If the column is in the expression of a result column, it counts for this result column. If it is in any other
        clause, it counts as deciding which rows exist.
        """
        reads = self._resolve(scope, clause, column)
        node: exp.Expr = column
        while node.parent is not scope.expression:
            assert node.parent is not None, "a query contains its columns"
            node = node.parent
        if node.arg_key == "expressions":
            assert node.index is not None, "it is in a list"
            clause.columns[node.index] |= reads
        elif id(node) not in optional:
            clause.rows |= reads

    def _resolve(self, scope: Scope, clause: _Clause, column: exp.Column) -> ReadSet:
        if isinstance(column.this, exp.Star) or not column.table:
            raise _Unresolved(column.sql())
        here: Scope | None = scope
        while here is not None and column.table not in _sources(here):
            here = here.parent
        if here is None:
            raise _Unresolved(column.sql())
        source = _sources(here)[column.table]
        if _is_recurring(source):
            return NOTHING
        reads = self._source(source).column(column.name)
        return reads | (clause.brought.get(column.table, NOTHING) if here is scope else NOTHING)

    def _source(self, source: exp.Table | Scope) -> Reads:
        if isinstance(source, Scope):
            return self._read(source)
        if _is_recurring(source):
            return Reads((), (), NOTHING)
        relation = ".".join(part.name for part in source.parts)
        if relation in self._relations:
            return self._relations[relation]
        if relation not in self._base:
            raise _Unresolved(relation)
        names = self._base[relation]
        return Reads(names, tuple(frozenset({Read(relation, name)}) for name in names), NOTHING)


def _is_recurring(source: exp.Table | Scope) -> bool:
    """
    Return whether the source is the table of all rows that a recursive query has found so far.

    The columns of such a table need not be counted. Every column of the recursive query already counts as depending on
    all columns that the non-recursive part reads.
    """
    return isinstance(source, exp.Table) and source.db == "recurring"


def _below_the_marts(compiled: CompiledRules) -> list[Model]:
    """
    Return the models outside the analysts' schema, and all models that these models depend on.

    The models are in dependency order.
    """
    wanted, pending = set(), [model.name for model in compiled.models.values() if "analytics" not in model.relation]
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += compiled.models[name].parents
    return [model for model in compiled.models.values() if model.name in wanted]


def _sources(scope: Scope) -> dict[str, exp.Table | Scope]:
    """Return the sources of a select by alias, including the source of a semi join."""
    return {alias: scope.sources[alias] for alias, _ in scope.references if alias in scope.sources}


def _seed_columns(compiled: CompiledRules) -> dict[str, tuple[str, ...]]:
    with duckdb.connect(str(compiled.seeds), read_only=True) as seeds:
        found = seeds.execute(
            "SELECT schema_name, table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
            "WHERE database_name = current_database() AND NOT internal GROUP BY ALL"
        ).fetchall()
    return {f"marts.{schema}.{table}": tuple(columns) for schema, table, columns in found}


def _add(schema: _Schema, relation: str, columns: tuple[str, ...]) -> None:
    catalog, name, table = relation.split(".")
    schema.setdefault(catalog, {}).setdefault(name, {})[table] = dict.fromkeys(columns, "VARCHAR")


def _plain(relation: str) -> str:
    return relation.replace('"', "")
