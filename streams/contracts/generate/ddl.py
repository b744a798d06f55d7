"""The landing DDL: one `CREATE TABLE` for each table of the landing lake."""

from streams import names
from streams.contracts.landing import landing_tables, sql_type

__all__ = ["landing_ddl"]


def landing_ddl(preamble: str) -> str:
    """
    Return the SQL script that creates the landing tables: one statement for each table, as in `streams.lake.schema`.

    The script changes no existing table. No column is declared NOT NULL, because a table that refused a row would stop
    `land`. Expectations check the rows instead.
    """
    statements = [f"-- {preamble}"]
    for name, table in landing_tables().items():
        columns = [f'    "{column_name}" {sql_type(column.type)}' for column_name, column in table.columns.items()]
        body = ",\n".join(columns)
        statements.append(
            f"-- {table.description}\nCREATE TABLE IF NOT EXISTS {names.CATALOG_LANDING}.main.{name} (\n{body}\n);"
        )
    return "\n\n".join(statements) + "\n"
