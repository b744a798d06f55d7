"""
Some models as one statement: those above them as common table expressions, and one row for each of their answers.

Where the inputs come from is the caller's: rows that are parameters, or a query of tables that have the columns read.
"""

from collections.abc import Iterable, Mapping

from streams.rules.compiled import CompiledRules
from streams.rules.postgres.derive import Derived, relation_name

__all__ = ["rows_given", "statement"]


def rows_given(derived: Derived, table: str, parameter: str) -> str:
    """A query of an input's rows that are given as a parameter: a JSON array of objects (`rows.as_rows`)."""
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
    The text of a statement whose rows are `(model, answer)`; an answer is a JSON array of the model's columns.

    Args:
        models: what to run, parents first (`CompiledRules.needed`, `above`).
        answers: models whose rows are the answers, with the columns wanted; those that are not run are passed over.
        sources: a query for each input, which has the columns `derived.inputs` says; an input without one is empty. And
            a query in the place of a model (`CROWDS`), which has the model's columns; it may read the inputs by
            their names in the statement (`"main.events"`). All are part of the statement, with their parameters.
        as_of: an expression, the instant (UTC, without a zone) up to which deadlines have passed.
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
    """Models that are read, and not run because they are empty."""
    read = {parent for name in run for parent in compiled.models[name].parents}
    return (read & derived.models.keys()) - set(run)


def _part(name: str, text: str) -> str:
    return f'"{name}" AS (\n{text}\n)'


def _nothing(columns: Mapping[str, str]) -> str:
    return f"SELECT {_nulls(columns)} WHERE false"


def _nulls(columns: Mapping[str, str]) -> str:
    return ", ".join(f'NULL::{type_} AS "{name}"' for name, type_ in columns.items())


def _input(derived: Derived, table: str, source: str | None) -> str:
    """The rows of an input with every column that models name; NULL is what they leave out."""
    columns, unread = derived.inputs[table], derived.unread[table]
    if source is None:
        return _nothing(columns | unread)
    # With its type, to which the order of text belongs: a table may have another one.
    listed = ", ".join(f'"{name}"::{type_} AS "{name}"' for name, type_ in columns.items())
    return f"SELECT {listed}{', ' if unread else ''}{_nulls(unread)} FROM (\n{source}\n) AS source"
