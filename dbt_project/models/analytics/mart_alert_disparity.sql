{%- set counts = ['children', 'families_alerted', 'alerts', 'acknowledged_within_an_hour', 'not_within_an_hour'] -%}
-- How the alerts of the last complete quarter fell across areas and groups of children; small counts are suppressed.
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
    where events.fact = 'person-recorded'
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
        -- A reminder that nobody took an alert on is no further alert about the family.
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
        coalesce(any_value(alerts.alerts - alerts.acknowledged_within_an_hour), 0) as not_within_an_hour,
        any_value(alerts.median_minutes_to_acknowledge) as median_minutes_to_acknowledge
    from grouped
    left join alerts using (authority_code, characteristic, "value")
    group by grouped.authority_code, grouped.characteristic, grouped."value"
),

small as (
    select
        *,
        {% for count in counts -%}
        {{ count }} between 1 and 5{{ ' or ' if not loop.last }}
        {%- endfor %} as is_small
    from counted
),

-- Taken from a total, the rows shown leave the sum of those suppressed: it must be of two rows and itself not small.
hidden as (
    select
        *,
        row_number() over smallest_first as place,
        place >= greatest(2, count(*) filter (is_small) over characteristics)
        {%- for count in counts %}
        and sum({{ count }}) over smallest_first not between 1 and 5
        {%- endfor %} as is_enough
    from small
    window
        characteristics as (partition by authority_code, characteristic),
        smallest_first as (
            partition by authority_code, characteristic
            order by not is_small, children, "value"
            rows between unbounded preceding and current row
        )
),

suppressed as (
    select
        *,
        bool_or(is_small) over characteristics
        and place <= coalesce(min(place) filter (is_enough) over characteristics, place) as is_suppressed
    from hidden
    window characteristics as (partition by authority_code, characteristic)
)

select
    {{ local_date('quarter.began_at') }} as quarter_starts_on,
    suppressed.authority_code,
    suppressed.characteristic,
    suppressed."value",
    suppressed.is_suppressed,
    if(suppressed.is_suppressed, null, suppressed.children) as children,
    if(suppressed.is_suppressed, null, suppressed.families_alerted) as families_alerted,
    if(suppressed.is_suppressed, null, suppressed.alerts) as alerts,
    if(suppressed.is_suppressed, null, 1000 * suppressed.alerts / suppressed.children) as alerts_per_1000_children,
    if(suppressed.is_suppressed, null, suppressed.acknowledged_within_an_hour / nullif(suppressed.alerts, 0))
        as share_acknowledged_within_an_hour,
    if(suppressed.is_suppressed, null, suppressed.median_minutes_to_acknowledge) as median_minutes_to_acknowledge
from suppressed
cross join quarter
