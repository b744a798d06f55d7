-- The alerts of the last complete quarter, compared between areas and between groups of children.
with quarter as (
    select
        {{ utc_time('starts_at - interval 3 months') }} as began_at,
        {{ utc_time('starts_at') }} as ended_at
    from (select date_trunc('quarter', {{ local_time(as_of()) }})::timestamp as starts_at) as present
),

people as (
    select
        coalesce(identities.person_id, events.person_id) as person_id,
        events.date_of_birth,
        events.due_date,
        events.died_on,
        events.sex,
        events.ethnicity,
        events.disabilities
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact = 'person-recorded' and events.person_id not in {{ crowds('person') }}
    qualify row_number() over (
        partition by coalesce(identities.person_id, events.person_id) order by events.event_order desc
    ) = 1
),

children as (
    select
        stays.family_id,
        stays.person_id,
        coalesce(people.sex, 'U') as sex,
        coalesce(people.ethnicity, 'NOBT') as ethnicity,
        case
            when len(people.disabilities) > 0 then if(people.disabilities = ['NONE'], 'no', 'yes')
            else 'unknown'
        end as disability
    from {{ ref('int_household_stays') }} as stays
    cross join quarter
    left join people on people.person_id = stays.person_id
    where stays.joined_at < quarter.ended_at
        and coalesce(stays.left_at >= quarter.ended_at, true)
        and {{ is_child('people', 'stays.household_role', 'quarter.ended_at') }}
),

grouped as (
    select
        desk.authority_code,
        children.family_id,
        children.person_id,
        unnest([
            {'characteristic': 'area', 'value': coalesce(desk.area, 'unknown')},
            {'characteristic': 'sex', 'value': children.sex},
            {'characteristic': 'ethnicity', 'value': children.ethnicity},
            {'characteristic': 'disability', 'value': children.disability}
        ], recursive := true)
    from children
    inner join {{ ref('int_family_desk') }} as desk on desk.family_id = children.family_id
),

families as (
    select distinct authority_code, characteristic, "value", family_id
    from grouped
),

alerts as (
    select
        families.authority_code,
        families.characteristic,
        families."value",
        count(distinct families.family_id) as families_alerted,
        count(*) as alerts,
        count(*) filter (
            raised.acknowledged_at is not null and coalesce(raised.minutes_to_acknowledge <= 60, true)
        ) as acknowledged_within_an_hour,
        median(raised.minutes_to_acknowledge) as median_minutes_to_acknowledge
    from {{ ref('fct_alerts') }} as raised
    inner join quarter on raised.first_raised_at >= quarter.began_at and raised.first_raised_at < quarter.ended_at
    inner join families on families.family_id = raised.family_id
    where raised.is_streamed and not coalesce(raised.is_backfill, false)
        -- A reminder that nobody acknowledged an alert is not counted as another alert about the family.
        and raised.entity_kind <> 'alert'
    group by all
),

counted as (
    select
        grouped.authority_code,
        grouped.characteristic,
        grouped."value",
        count(distinct grouped.person_id) as children,
        coalesce(any_value(alerts.families_alerted), 0) as families_alerted,
        coalesce(any_value(alerts.alerts), 0) as alerts,
        coalesce(any_value(alerts.acknowledged_within_an_hour), 0) as acknowledged_within_an_hour,
        any_value(alerts.median_minutes_to_acknowledge) as median_minutes_to_acknowledge
    from grouped
    left join alerts using (authority_code, characteristic, "value")
    group by grouped.authority_code, grouped.characteristic, grouped."value"
)

select
    {{ local_date('quarter.began_at') }} as quarter_starts_on,
    counted.authority_code,
    counted.characteristic,
    counted."value",
    counted.children,
    counted.families_alerted,
    counted.alerts,
    1000 * counted.alerts / counted.children as alerts_per_1000_children,
    counted.acknowledged_within_an_hour / nullif(counted.alerts, 0) as share_acknowledged_within_an_hour,
    counted.median_minutes_to_acknowledge
from counted
cross join quarter
-- The quarter in which alerts were first raised is left out, because alerts are known for only a part of it.
semi join {{ ref('dim_coverage') }} as covered
    on covered.kind = 'alerts'
    and covered.authority_code = counted.authority_code
    and covered.covers_from <= {{ local_date('quarter.began_at') }}
