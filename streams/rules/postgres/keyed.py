"""
Rewrite recursive queries with keys (`WITH RECURSIVE … USING KEY`), because PostgreSQL does not have `USING KEY`.

Such a query runs its recursive part in rounds. If a round finds a row with a known key, the new row replaces the
earlier row. The query is rewritten as a function. The function keeps all known rows and the rows of the last round in
arrays, and repeats the recursive part until a round finds no new rows.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from streams.rules.postgres.rewriting import Place, called
from streams.rules.postgres.supported import refused

__all__ = ["RECURRING", "columns_of", "keyed", "restate_keyed"]

RECURRING = "recurring"
"""The schema name under which DuckDB gives access to the table of all rows found so far."""

_FUNCTION = """\
CREATE FUNCTION {name}(changed {row}[]{parameters}) RETURNS SETOF {row} LANGUAGE plpgsql IMMUTABLE ROWS 10
SET enable_nestloop = off AS
$$
DECLARE
    everything {row}[] := changed;
BEGIN
    WHILE cardinality(changed) > 0 LOOP
        changed := ARRAY(SELECT ROW({columns})::{row} FROM (
{step}
        EXCEPT SELECT * FROM unnest(everything)
        ) AS found ({columns}));
        everything := ARRAY(
            SELECT DISTINCT ON ({key}) ROW({columns})::{row}
            FROM (SELECT 0 AS age, * FROM unnest(changed) UNION ALL SELECT 1, * FROM unnest(everything)) AS found
            ORDER BY {key}, age
        );
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(everything);
END
$$"""


def keyed(tree: exp.Expr) -> list[exp.CTE]:
    """
    Return the recursive queries with keys.

    Raises:
        NotKnown: a recursive query has no keys, or has an unsupported form.
    """
    found = []
    for with_ in tree.find_all(exp.With):
        for cte in with_.expressions if with_.recursive else ():
            if cte.args.get("key_expressions"):
                if not isinstance(cte.this, exp.Union) or not cte.this.args.get("distinct"):
                    raise refused(cte, "is not a UNION")
                found.append(cte)
            elif any(table.name == cte.alias and not table.db for table in cte.this.find_all(exp.Table)):
                raise refused(cte, "is recursive without keys")
    return found


def columns_of(query: exp.Expr, names: list[str] | None = None) -> dict[str, exp.DataType]:
    """Return the columns and types of an annotated query. If `names` are given, they replace the column names."""
    first: Any = query
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    return dict(zip(names or first.named_selects, (column.type for column in first.selects), strict=True))


def restate_keyed(cte: exp.CTE, place: Place, text: Callable[[exp.Expr], str]) -> None:
    """
    Create a function for a recursive query, and replace the query by a call of the function.

    All other parts of the query must have been rewritten already. If the recursive part reads other queries, their rows
    are passed to the function as arrays.
    """
    names = cte.args["alias"].columns
    columns = columns_of(cte.this, [name.name for name in names] or None)
    row = place.composites.of(columns)
    step = cte.this.expression.unnest()
    parameters = _parameters(cte, step)
    rows = {name: place.composites.of(columns_of(query)) for name, query in parameters.items()}
    _read_arrays(step, cte.alias, set(parameters))
    body = {
        "row": row,
        "parameters": "".join(f', "{name}" {type_}[]' for name, type_ in rows.items()),
        "columns": ", ".join(f'"{name}"' for name in columns),
        "key": ", ".join(f'"{name.name}"' for name in cte.args["key_expressions"]),
        "step": text(step),
    }
    digest = hashlib.sha256(repr(body).encode()).hexdigest()[:8]
    name = f"{cte.alias}_{digest}"
    place.functions[name] = _FUNCTION.format(name=f"{place.schema}.{name}", **body)
    base = [_array(cte.this.this.copy(), row)]
    handed = [_array(exp.select("*").from_(exp.to_table(name, quoted=True)), rows[name]) for name in parameters]
    call = exp.Table(this=called(f"{place.schema}.{name}", *base, *handed))
    cte.set("this", exp.select("*").from_(call))
    cte.set("key_expressions", None)


def _parameters(cte: exp.CTE, step: exp.Expr) -> dict[str, exp.Expr]:
    """Return those other queries of the same `WITH` clause that the recursive part reads."""
    assert cte.parent is not None, "a CTE is part of a query"
    beside = {other.alias: other.this for other in cte.parent.expressions if other is not cte}
    inner = {each.alias for each in step.find_all(exp.CTE)}
    read = {table.name for table in step.find_all(exp.Table) if not table.db and table.name not in inner}
    if unknown := read - beside.keys() - {cte.alias}:
        raise refused(cte, f"reads {', '.join(sorted(unknown))}")
    return {name: beside[name] for name in sorted(read & beside.keys())}


def _read_arrays(step: exp.Expr, own: str, parameters: set[str]) -> None:
    for table in list(step.find_all(exp.Table)):
        if table.db == RECURRING:
            array = "everything"
        elif table.db or table.name not in parameters | {own}:
            continue
        else:
            array = "changed" if table.name == own else f'"{table.name}"'
        unnested = exp.Table(this=called("unnest", exp.Var(this=array)))
        table.replace(exp.alias_(unnested, table.alias_or_name, table=True, quoted=True))


def _array(query: exp.Expr, row: str) -> exp.Expr:
    """Return the rows of a query as an array of a composite type."""
    of = exp.DataType.build(row, udt=True, dialect="postgres")
    value = exp.Cast(this=called("ROW", exp.Column(this=exp.Star(), table=exp.to_identifier("listed"))), to=of)
    listed = exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier("listed")))
    return called("ARRAY", exp.select(value).from_(listed))
