"""The alerts that the models of the last build found."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime

import duckdb

from streams.alerts.first_version import first_version
from streams.contracts.outputs import Alert
from streams.rules.answers import AlertRow
from streams.rules.register import build_rules
from streams.settings import Settings

__all__ = ["built_alerts", "built_models"]

_MODELS = (
    "select table_name from duckdb_tables() where database_name = 'marts' and schema_name = 'alerts' "
    "and table_name like 'alert\\_%' escape '\\' and list_contains(?, substr(table_name, 7)) = ? order by 1"
)

_ALERTS = f"""
    select {", ".join(f"a.{column}" for column in AlertRow._fields)}, rules.clears_when
    from marts.alerts.{{model}} a
    join marts.reference.rules rules on rules.rule = a.rule and rules.version = a.rule_version
"""


def built_models(lake: duckdb.DuckDBPyConnection, *, of_build_rules: bool) -> list[str]:
    """
    Return the alert models that were built.

    If `of_build_rules` is true, return the models of rules that only a build evaluates; otherwise the models of all
    other rules.
    """
    return [model for (model,) in lake.execute(_MODELS, [build_rules(), of_build_rules]).fetchall()]


def built_alerts(
    settings: Settings,
    lake: duckdb.DuckDBPyConnection,
    models: Iterable[str],
    alert_ids: Collection[str] | None = None,
) -> Iterator[Alert]:
    """Yield the alerts of some models, each as a first version. If ids are given, leave out alerts with other ids."""
    now = datetime.now(UTC)
    for model in models:
        query = _ALERTS.format(model=model)
        if alert_ids is None:
            found = lake.execute(query)
        else:
            found = lake.execute(f"{query} where list_contains(?, a.alert_id)", [list(alert_ids)])
        for *row, clears_when in found.fetchall():
            yield first_version(AlertRow(*row), clears_when, settings.case_url, now)
