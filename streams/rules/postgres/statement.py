"""
Combine several models into one statement. The models on which they depend become common table expressions.

The statement returns one row for each result. The caller decides where the input rows come from: from parameters, or
from queries on tables that have the needed columns.
"""

from collections.abc import Iterable, Mapping

from streams.rules.compiled import CompiledRules
from streams.rules.postgres.derive import Derived, relation_name

__all__ = ["rows_given", "statement"]


def rows_given(derived: Derived, table: str, parameter: str) -> str:
    """Return a query for the rows of an input that are passed as one parameter: a JSON array (see `rows.as_rows`)."""
    columns = ", ".join(f'"{name}" {type_}' for name, type_ in derived.inputs[table].items())
    return f"SELECT * FROM json_to_recordset({parameter}) AS given ({columns})"


def statement(
    compiled: CompiledRules,
    derived: Derived,
    models: Iterable[str],
    *,
    answers: Mapping[str, tuple[str, ...]],
    sources: Mapping[str, str],
    as_of: str,
) -> str:
    """
    Return a statement that returns rows of the form `(model, answer)`.

    An answer is a JSON array of the model's columns.

    Args:
        models: the models to run, in dependency order (`CompiledRules.needed`, `above`).
        answers: the models whose rows are wanted, with the wanted columns. If a model is not in `models`, it is
            skipped.
        sources: a query for each input, which returns the columns in `derived.inputs`. An input without a query is
            empty. A query may also take the place of a model (`CROWDS`), and must then return the model's columns. A
            query may read the inputs under their names in the statement (`"main.events"`). All queries become part of
            the statement, with their parameters.
        as_of: an SQL expression for the time (UTC, without a zone) up to which deadlines have passed.
    """
    parts = [_part(f"main.{table}", _input(derived, table, sources.get(table))) for table in derived.inputs]
    parts += [
        _part("run.cut", "SELECT NULL::text AS topic, 0 AS kafka_partition, 0::bigint AS next_offset WHERE false"),
        _part("run.as_of", f"SELECT {as_of} AS as_of"),
    ]
    ends, run = [], list(models)
    for name in sorted(_left_out(compiled, derived, run) | ((sources.keys() & compiled.models.keys()) - set(run))):
        text = sources.get(name) or _nothing(derived.columns[name])
        parts.append(_part(relation_name(compiled.models[name].relation), text))
    for name in run:
        text = sources.get(name, derived.models[name])
        if name in answers:
            columns = ", ".join(f'"{column}"' for column in answers[name])
            answer = f"SELECT '{name}' AS model, json_build_array({columns})::text AS answer"
            ends.append(f"{answer} FROM (\n{text}\n) AS answers")
        else:
            parts.append(_part(relation_name(compiled.models[name].relation), text))
    return "WITH " + ",\n".join(parts) + "\n" + "\nUNION ALL\n".join(ends)


def _left_out(compiled: CompiledRules, derived: Derived, run: list[str]) -> set[str]:
    """Return the models that are not run although other models read them. Such models count as empty."""
    read = {parent for name in run for parent in compiled.models[name].parents}
    return (read & derived.models.keys()) - set(run)


def _part(name: str, text: str) -> str:
    return f'"{name}" AS (\n{text}\n)'


def _nothing(columns: Mapping[str, str]) -> str:
    return f"SELECT {_nulls(columns)} WHERE false"


def _nulls(columns: Mapping[str, str]) -> str:
    return ", ".join(f'NULL::{type_} AS "{name}"' for name, type_ in columns.items())


def _input(derived: Derived, table: str, source: str | None) -> str:
    """
    Return a query for an input, with every column that models name.

    Columns that models name only in order to leave them out are NULL.
    """
    columns, unread = derived.inputs[table], derived.unread[table]
    if source is None:
        return _nothing(columns | unread)
    # Cast each column to its type, which includes the collation. The table that the query reads may have another
    # collation.
    listed = ", ".join(f'"{name}"::{type_} AS "{name}"' for name, type_ in columns.items())
    return f"SELECT {listed}{', ' if unread else ''}{_nulls(unread)} FROM (\n{source}\n) AS source"
