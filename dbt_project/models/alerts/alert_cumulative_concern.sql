-- Concerns about a family accumulate. Clause a: three concerns from two agencies in 90 days while the family is not
-- open at level 3 or above. Clause b: three concerns in 12 months that nobody investigated. Clause c: five concerns
-- over any length of time. The count starts again when the family is opened at level 3 or above.
with openings as (
    select * from {{ ref('int_openings') }}
),

concerns as (
    select
        concerns.*,
        coalesce(openings.counted_from, 0) as counted_from,
        coalesce(openings.is_acted_on, false) as is_acted_on
    from {{ ref('int_concerns') }} as concerns
    left join openings
        on openings.family_id = concerns.family_id
        and openings.from_order < concerns.event_order
        and openings.until_order >= concerns.event_order
),

-- A new concern can make any of the three clauses true. Clause a can also become true when the family is no longer open
-- at level 3 or above.
turning_points as (
    select
        family_id,
        event_order,
        occurred_at,
        evidence,
        profile_id,
        is_backfill,
        counted_from,
        is_acted_on,
        false as is_closing
    from concerns
    union all
    select
        family_id,
        from_order,
        from_at,
        evidence,
        profile_id,
        is_backfill,
        counted_from,
        false,
        true
    from openings
    where not is_acted_on
),

triggers as (
    select
        turning_points.*,
        profiles.concern_window_days,
        profiles.concern_window_count,
        profiles.concern_window_agencies,
        profiles.concern_open_level,
        profiles.concern_uninvestigated_months,
        profiles.concern_uninvestigated_count,
        profiles.concern_total_count,
        turning_points.occurred_at - to_days(profiles.concern_window_days) as window_from,
        {{ months_before('turning_points.occurred_at', 'profiles.concern_uninvestigated_months') }}
            as uninvestigated_from
    from turning_points
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
),

counted as (
    select
        triggers.event_order,
        clauses.clause,
        concerns.agency_key,
        concerns.evidence,
        concerns.event_order < triggers.event_order as is_earlier
    from triggers
    inner join concerns
        on concerns.family_id = triggers.family_id
        and concerns.counted_from = triggers.counted_from
        and concerns.event_order <= triggers.event_order
    cross join (values ('a'), ('b'), ('c')) as clauses (clause)
    where
        case clauses.clause
            when 'a' then
                not triggers.is_acted_on
                and concerns.occurred_at >= triggers.window_from
            when 'b' then
                concerns.occurred_at >= triggers.uninvestigated_from
                and coalesce(concerns.investigated_order > triggers.event_order, true)
            else true
        end
),

tallied as (
    select
        event_order,
        clause,
        count(*) as concerns,
        list_unique(list(agency_key)) as agencies,
        count(*) filter (is_earlier) as concerns_before,
        coalesce(list_unique(list(agency_key) filter (is_earlier)), 0) as agencies_before,
        list(evidence) as evidence
    from counted
    group by event_order, clause
),

-- For each event that can make a clause true, the counts with that event, and the counts without it (`…_before`).
judged as (
    select
        triggers.* exclude (evidence),
        triggers.evidence as anchor,
        tallied.* exclude (event_order),
        case tallied.clause
            when 'a' then triggers.concern_window_count
            when 'b' then triggers.concern_uninvestigated_count
            else triggers.concern_total_count
        end as enough,
        if(tallied.clause = 'a', triggers.concern_window_agencies, 1) as enough_agencies,
        case tallied.clause
            when 'a' then
                ' concerns from ' || tallied.agencies || ' agencies in ' || triggers.concern_window_days
                || ' days while not open at level ' || triggers.concern_open_level || ' or above.'
            when 'b' then
                ' concerns in ' || triggers.concern_uninvestigated_months || ' months that nobody has investigated.'
            else ' concerns in all.'
        end as what_was_counted
    from tallied
    inner join triggers using (event_order)
),

turned as (
    select *
    from judged
    where
        concerns >= enough
        and agencies >= enough_agencies
        and (
            concerns_before < enough
            or agencies_before < enough_agencies
            or (is_closing and clause = 'a')
        )
),

resets as (
    select
        family_id,
        from_order,
        from_at,
        {{ before('from_order', 'family_id', 'families', '0') }} as after_order
    from openings
    where is_acted_on
    window families as (order by family_id, from_order)
),

found as (
    select
        turned.clause,
        cast(null as varchar) as severity,
        turned.family_id,
        turned.family_id as entity_id,
        'Family ' || turned.family_id || ' has ' || turned.concerns || turned.what_was_counted as reason,
        turned.evidence,
        turned.anchor,
        turned.occurred_at as anchored_at,
        cast(null as timestamp) as deadline,
        resets.from_at as cleared_at,
        turned.profile_id,
        turned.is_backfill
    from turned
    left join resets
        on resets.family_id = turned.family_id
        and resets.from_order > turned.event_order
        and resets.after_order <= turned.event_order
)

{{ alert_envelope('cumulative_concern', 'found', anchors='several') }}
