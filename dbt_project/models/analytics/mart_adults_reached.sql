-- Counts the families that were opened to services and had an adult with a certain household role. Also counts those
-- families in which such an adult ever took part in an assessment, meeting or review.
with turns as (
    select
        family_id,
        is_open,
        from_order,
        from_at
    from {{ ref('int_family_status') }}
    window families as (order by family_id, from_order)
    qualify is_open <> {{ before('is_open', 'family_id', 'families', 'false') }}
),

spells as (
    select
        *,
        {{ after('from_order', 'family_id', 'families', endless()) }} as until_order
    from turns
    window families as (order by family_id, from_order)
),

-- Adults who lived in the household at any time while the family was open.
adults as (
    select distinct
        spells.family_id,
        spells.from_order,
        spells.until_order,
        spells.from_at,
        stays.household_role as adult_role
    from spells
    inner join {{ ref('int_household_stays') }} as stays
        on stays.family_id = spells.family_id
        and stays.from_order < spells.until_order
        and stays.until_order > spells.from_order
    where spells.is_open and stays.household_role not in ('child', 'unborn')
),

followed as (
    select
        adults.family_id,
        adults.from_order,
        adults.from_at,
        adults.adult_role,
        count(attendance.event_order) > 0 as has_met,
        coalesce(bool_or(attendance.took_part), false) as has_taken_part
    from adults
    left join {{ ref('fct_meeting_attendance') }} as attendance
        on attendance.family_id = adults.family_id
        and attendance.adult_role = adults.adult_role
        and attendance.event_order > adults.from_order
        and attendance.event_order < adults.until_order
    group by all
),

placed as (
    select
        followed.*,
        events.authority_code,
        coalesce(places.lsoa_code, 'unknown') as lsoa_code
    from followed
    inner join {{ ref('stg_events') }} as events on events.event_order = followed.from_order
    {{ of_covered_months('meetings', 'events', local_date('followed.from_at'), 'events.root_source') }}
    asof left join {{ ref('int_family_places') }} as places
        on places.family_id = followed.family_id and places.from_order <= followed.from_order
),

counted as (
    select
        placed.authority_code,
        coalesce(areas.area_code, 'unknown') as area_code,
        coalesce(areas.area_name, 'unknown') as area_name,
        placed.adult_role,
        cast(date_trunc('month', {{ local_date('placed.from_at') }}) as date) as month_starts_on,
        count(*) as families,
        count(*) filter (not placed.has_met) as without_meeting,
        count(*) filter (placed.has_taken_part) as took_part,
        count(*) filter (not placed.has_taken_part) as never_took_part
    from placed
    left join {{ ref('dim_area') }} as areas using (authority_code, lsoa_code)
    group by all
)

select
    *,
    100 * took_part / families as took_part_percent,
    100 * {{ wilson('took_part', 'families', '-') }} as took_part_lower,
    100 * {{ wilson('took_part', 'families', '+') }} as took_part_upper
from counted
