"""How often a rule raised alerts in an installation, and how people dealt with its alerts."""

import duckdb

from streams.lake.connect import connect
from streams.settings import Settings

__all__ = ["MART", "performance"]

MART = "marts.analytics.mart_rule_performance"


def performance(settings: Settings, rule: str) -> list[dict[str, object]] | None:
    """
    Return the rule's rows in the mart, one for each version of the rule; None if the mart has not been built yet.

    Raises:
        LakeUnavailable: the lake does not answer.
    """
    with connect(settings, landing=None) as lake:
        try:
            found = lake.execute(f"SELECT * FROM {MART} WHERE rule = $1 ORDER BY rule_version", [rule])
        except duckdb.CatalogException:
            return None
        columns = [column[0] for column in found.description]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
