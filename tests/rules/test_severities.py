"""Which severities a rule can have, read from SQL as dbt compiles it."""

import pytest

from streams.rules.compiled import Model
from streams.rules.severities import severities


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("cast(null as varchar)", ("amber",)),
        ("'green'", ("green",)),
        ("if(is_breach, 'red', 'amber')", ("red", "amber")),
        ("if(red_evidence is null, null, 'red')", ("red", "amber")),
        ("case when level = 4 then 'red' when level = 1 then 'green' end", ("red", "amber", "green")),
        ("if(kind = 'red', 'green', 'amber')", ("amber", "green")),
        ("events.severity", ("red", "amber", "green")),
    ],
)
def test_a_rule_can_have_the_severities_that_its_sql_gives(sql, found):
    """The register gives amber, which counts where the SQL gives none."""
    whole = f"""
        with found as (select {sql} as severity, family_id from events)
        select coalesce(found.severity, found.rule_severity) as severity
        from (select raised.* from found as raised) as found
    """

    assert severities(Model("alert_toy", "marts.alerts.alert_toy", whole, (), is_static=False), "amber") == found
