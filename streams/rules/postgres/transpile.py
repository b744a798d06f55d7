"""Translate the DuckDB SQL of one model to PostgreSQL in four steps: qualify names, find types, check, and rewrite."""

from collections.abc import Callable

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from streams.rules.postgres import aggregates, lists, times, values  # noqa: F401  (modules register rewrites)
from streams.rules.postgres.annotate import annotate
from streams.rules.postgres.keyed import RECURRING, columns_of, keyed, restate_keyed
from streams.rules.postgres.queries import restate
from streams.rules.postgres.rewriting import Place, rewrite
from streams.rules.postgres.supported import NotKnown, check

__all__ = ["transpile"]


class _Dialect(Postgres):
    """The PostgreSQL dialect of sqlglot, without the rewrites that this package makes itself."""

    class Generator(Postgres.Generator):  # type: ignore[misc, valid-type]  # sqlglot's metaclass sets it
        TRANSFORMS = {  # noqa: RUF012
            **{key: value for key, value in Postgres.Generator.TRANSFORMS.items() if key is not exp.Select},
            exp.Dot: lambda self, node: f"({self.sql(node, 'this')}).{self.sql(node, 'expression')}",
        }


def transpile(tree: exp.Expr, schema: MappingSchema, relation: Callable[[str], str], place: Place) -> str:
    """
    Return the PostgreSQL text of a query. The given tree is changed and cannot be used again.

    Args:
        tree: the query as DuckDB's parser in sqlglot read it.
        schema: the relations that the query may read, with the DuckDB types of their columns.
        relation: returns the PostgreSQL name of a relation `catalog.schema.table`.
        place: where the SQL will run. The types and functions that the query needs are added to it.

    Raises:
        NotKnown: a part of the query is not known to mean the same in PostgreSQL. The message names its line.
    """
    check(tree)
    try:
        tree = qualify(tree, schema=schema, dialect="duckdb", quote_identifiers=True, identify=False)
        annotate(tree, schema)
        recursive = keyed(tree)
        if recursive:
            _annotate_again(tree, recursive, schema)
        tree = rewrite(restate(tree), place)
        for cte in recursive:
            restate_keyed(cte, place, _text)
        for table in tree.find_all(exp.Table):
            if table.catalog:
                table.replace(_renamed(table, relation(".".join(part.name for part in table.parts))))
        return _text(tree)
    except SqlglotError as error:
        raise NotKnown(f"sqlglot cannot read or write it: {' '.join(str(error).split())[:200]}") from None


def _annotate_again(tree: exp.Expr, recursive: list[exp.CTE], schema: MappingSchema) -> None:
    """Find all types again, now that the first pass has found the types of a recursive query's own rows."""
    for cte in recursive:
        names = [column.name for column in cte.args["alias"].columns]
        types = {name: type_.sql("duckdb") for name, type_ in columns_of(cte.this, names or None).items()}
        schema.add_table(exp.table_(cte.alias, db=RECURRING, catalog=RECURRING), types, dialect="duckdb")
    annotate(tree, schema)


def _text(tree: exp.Expr) -> str:
    return tree.sql(
        dialect=_Dialect,
        pretty=True,
        normalize_functions=False,
        comments=False,
        copy=False,
        unsupported_level=ErrorLevel.RAISE,
    )


def _renamed(table: exp.Table, name: str) -> exp.Table:
    alias = table.alias_or_name
    new = exp.Table(this=exp.Var(this=name))
    named = exp.alias_(new, alias, table=True, quoted=True)
    assert isinstance(named, exp.Table), "an alias belongs to the table itself"
    return named
