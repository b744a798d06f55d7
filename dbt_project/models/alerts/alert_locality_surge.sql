-- A ward or area had many more referrals in a week than its own history makes likely. Only the build evaluates this
-- rule.
with weeks as (
    select * from {{ ref('int_area_weeks') }}
),

-- Weeks that are over and have enough referrals, in places with enough history.
judged as (
    select
        weeks.*,
        least(profiles.surge_history_weeks, weeks.week_number - 1) as weeks_before,
        profiles.surge_false_alarm_weeks
    from weeks
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    where {{ as_of() }} > weeks.ends_at
        and weeks.referrals >= profiles.surge_min_referrals
        and weeks.week_number > profiles.surge_min_weeks
),

-- A place has no row for a week without referrals. Such a week adds nothing to the sums, but counts in `weeks_before`.
histories as (
    select
        judged.* exclude (evidence),
        any_value(judged.evidence) as evidence,
        coalesce(sum(earlier.referrals), 0) as total,
        coalesce(sum(earlier.referrals * earlier.referrals), 0) as squares
    from judged
    left join weeks as earlier
        on earlier.authority_code = judged.authority_code
        and earlier.area_code = judged.area_code
        and earlier.week_number between judged.week_number - judged.weeks_before and judged.week_number - 1
    group by all
),

-- The variance of the weekly counts is the larger of two: the variance in the history, and the variance that chance
-- alone gives (Poisson).
spreads as (
    select
        *,
        (total + 0.5) / weeks_before as expected,
        (squares - total * total / weeks_before) / (weeks_before - 1) as variance,
        greatest(1, coalesce(variance / nullif(total / weeks_before, 0), 1)) as spread
    from histories
),

-- The likely counts follow a negative binomial distribution. It is made wider because the true mean is uncertain after
-- so few weeks.
shapes as (
    select
        *,
        expected * expected / (spread * expected * (1 + 1 / weeks_before) - expected) as size
    from spreads
),

chances as (
    select
        *,
        1 - list_sum(list_transform(
            range(referrals),
            lambda fewer: exp(
                lgamma(fewer + size) - lgamma(size) - lgamma(fewer + 1)
                + size * ln(size / (size + expected)) + fewer * ln(expected / (size + expected))
            )
        )) as chance_of_so_many
    from shapes
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        cast(null as varchar) as family_id,
        area_code as entity_id,
        if(area_level = 'ward', 'Ward ', 'Area ') || area_name || ' had ' || referrals
        || ' referrals in the week from Monday ' || strftime(week_starts_on, '%-d %B %Y')
        || ', more than its own history makes likely: ' || printf('%.1f', total / weeks_before)
        || ' a week in the ' || weeks_before || ' weeks before.' as reason,
        -- At most the latest 500 referrals. No ward or area in England has so many in a week, but an import that gives
        -- all events one date can have more.
        array_slice(evidence, -500, -1) as evidence,
        { 'source': area_level, 'id': area_code || '/' || week_starts_on } as anchor,
        ends_at as anchored_at,
        cast(null as timestamp) as deadline,
        cast(null as timestamp) as cleared_at,
        profile_id,
        is_backfill
    from chances
    where chance_of_so_many < 1 / surge_false_alarm_weeks
)

{{ alert_envelope('locality_surge', 'found') }}
