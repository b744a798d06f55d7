"""Finds the recipients of alerts. Desks come from the marts, and recipients of earlier versions from the lake."""

from collections.abc import Collection, Iterator

import duckdb
import msgspec

from streams.alerts.routing.router import Router
from streams.alerts.routing.routes import read_routes
from streams.alerts.routing.unroutable import reaches_nobody
from streams.contracts.outputs import Alert, Recipient
from streams.rules.answers import FamilyDesk
from streams.settings import Settings

__all__ = ["routed"]

_FAMILIES = f"""
    select {", ".join(FamilyDesk._fields)} from marts.intermediate.int_family_desk
    where family_id in (select unnest(?))
"""

_PLACES = """
    select code, any_value(authority_code),
           case when count(distinct gateway) = 1 then nullif(min(gateway), 'single') end,
           case when count(distinct area_name) = 1 then lower(replace(min(area_name), ' ', '_')) end
    from (
        select ward_code as code, authority_code, gateway, area_name from marts.analytics.dim_area
        union all
        select area_code, authority_code, gateway, area_name from marts.analytics.dim_area
    )
    where code in (select unnest(?))
    group by code
"""
"""
SQL for the authority, the gateway and the area in which each given place lies. A place is a ward or an area.

If a place lies in several gateways, its gateway is NULL. If it lies in several areas, its area is NULL.
"""

_TOLD = """
    select alert_id, recipients from landing.main.alerts where alert_id in (select unnest(?))
    qualify row_number() over (partition by alert_id order by version desc) = 1
"""
"""SQL for the recipients of the latest landed version of each alert."""


def routed(settings: Settings, lake: duckdb.DuckDBPyConnection, alerts: Collection[Alert]) -> Iterator[Alert]:
    """
    Yield the alerts with the recipients that a watcher would give them.

    An alert that reaches nobody is followed by another alert, which reports this.
    """
    router = Router(settings.authority, read_routes())
    families = list({alert.family_id for alert in alerts if alert.family_id is not None})
    areas = list({alert.entity_id for alert in alerts if alert.entity_kind == "area"})
    desks = {row[0]: FamilyDesk(*row) for row in lake.execute(_FAMILIES, [families]).fetchall()}
    places = {code: FamilyDesk(None, *desk) for code, *desk in lake.execute(_PLACES, [areas]).fetchall()}
    told = dict(lake.execute(_TOLD, [[alert.alert_id for alert in alerts]]).fetchall())
    for alert in alerts:
        desk = places.get(alert.entity_id) if alert.entity_kind == "area" else desks.get(alert.family_id)
        known = msgspec.convert(told.get(alert.alert_id, []), list[Recipient])
        addressed = router.address(alert, desk, known)
        yield addressed
        lost = reaches_nobody(addressed, settings.authority)
        if lost is not None:
            yield lost
