-- Covered time: the days on which an authority's records are complete for a kind of figures. Each row names the source
-- whose events count on these days.
with present as (
    select {{ local_date(as_of()) }} + 1 as tomorrow
),

stated as (
    select
        statement_id,
        stated_at,
        authority_code,
        source,
        -- If a day is covered for social care, it is also covered for `history`. Figures that look back need `history`.
        unnest(if(list_contains(kinds, 'social_care'), list_distinct(list_append(kinds, 'history')), kinds)) as kind,
        covers_from,
        least(coalesce(covers_to + 1, present.tomorrow), present.tomorrow) as covers_until,
        is_whole
    from {{ ref('int_coverage_statements') }}
    cross join present
),

-- Live coverage begins on the day on which the first live event arrives, whatever the date of that event. Events sent
-- as history do not begin live coverage.
arrived as (
    select
        events.authority_code,
        events.fact,
        coalesce(events.assessment_kind in ('caf', 'early_help'), false) as is_early_help,
        {{ local_date('min(events.received_at)') }} as first_on
    from {{ ref('stg_events') }} as events
    anti join {{ ref('int_coverage_statements') }} as named
        on named.authority_code = events.authority_code and named.source = events.root_source
    where not events.is_backfill
    group by all
),

firsts as (
    select
        authority_code,
        min(first_on) as of_any,
        min(first_on) filter (fact = 'contact-recorded') as of_contacts,
        min(first_on) filter (fact = 'referral-submitted') as of_referrals,
        min(first_on) filter (fact = 'referral-decided') as of_decisions,
        min(first_on) filter (fact = 'assessment-started' and is_early_help) as of_early_help,
        min(first_on) filter (fact = 'assessment-started' and not is_early_help) as of_assessments,
        min(first_on) filter (fact = 'level-changed') as of_levels,
        min(first_on) filter (fact = 'service-requested') as of_services,
        min(first_on) filter (fact in ('assessment-completed', 'taf-meeting-held', 'review-held')) as of_meetings,
        min(first_on) filter (fact = 'outcome-recorded') as of_outcomes
    from arrived
    group by authority_code
),

-- Figures on social care and clocks also need decisions. Without them, nobody knows what happened to a referral and
-- whether it counts.
followed as (
    select
        *,
        if(of_referrals is null or of_decisions is null, null, greatest(of_referrals, of_decisions)) as of_both
    from firsts
),

live as (
    select
        followed.authority_code,
        kinds.kind,
        case kinds.kind
            when 'alerts' then of_any
            when 'contacts' then of_contacts
            when 'referrals' then of_referrals
            when 'early_help' then of_early_help
            when 'assessments' then of_assessments
            when 'levels' then of_levels
            when 'services' then of_services
            when 'meetings' then of_meetings
            when 'outcomes' then of_outcomes
            when 'social_care' then of_both
            when 'history' then of_both
            when 'clocks' then of_both
        end as begins_on
    from followed
    cross join (
        values
        ('alerts'), ('contacts'), ('referrals'), ('social_care'), ('history'), ('clocks'), ('early_help'),
        ('assessments'), ('levels'), ('services'), ('meetings'), ('outcomes')
    ) as kinds (kind)
),

layers as (
    select authority_code, kind, source, covers_from, covers_until, is_whole, stated_at, statement_id
    from stated
    where covers_from < covers_until
    union all
    select live.authority_code, live.kind, '*', live.begins_on, present.tomorrow, true, null, null
    from live
    cross join present
    where live.begins_on < present.tomorrow
),

edges as (
    select authority_code, kind, covers_from as edge from layers
    union
    select authority_code, kind, covers_until from layers
),

pieces as (
    select
        authority_code,
        kind,
        edge as starts_on,
        lead(edge) over (partition by authority_code, kind order by edge) as ends_before
    from edges
),

-- For each day, the latest statement about a source counts.
said as (
    select
        pieces.*,
        layers.source,
        layers.is_whole,
        layers.stated_at,
        layers.statement_id
    from pieces
    inner join layers
        on layers.authority_code = pieces.authority_code
        and layers.kind = pieces.kind
        and layers.covers_from <= pieces.starts_on
        and layers.covers_until > pieces.starts_on
    qualify row_number() over (
        partition by pieces.authority_code, pieces.kind, pieces.starts_on, layers.source
        order by layers.stated_at desc nulls last, layers.statement_id desc
    ) = 1
)

-- If several sources are complete on a day, only one of them counts, because otherwise a child could be counted twice.
-- The everyday systems (`*`) come before all other sources.
select
    authority_code,
    kind,
    starts_on as covers_from,
    cast(ends_before - 1 as date) as covers_to,
    source,
    if(statement_id is null, 'live', 'stated') as basis,
    statement_id
from said
where is_whole
qualify row_number() over (
    partition by authority_code, kind, starts_on order by source = '*' desc, stated_at desc nulls last, source
) = 1
