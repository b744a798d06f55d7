-- Figures of past months that have changed since they were published: the old and the new figure, the two builds, and
-- the causes.
with earlier as (
    select * from {{ source('before', 'mart_locality_need') }}
),

-- A share whose denominator is 0 has no row. So the earlier build may have no row for a measure that now has one. For
-- this reason, rows are kept if the earlier build had any row of the same authority and month.
present as (
    select need.*
    from {{ ref('mart_locality_need') }} as need
    semi join earlier on earlier.authority_code = need.authority_code and earlier.period_start = need.period_start
    where need.period_kind = 'month' and need.area_level <> 'lsoa'
),

changed as (
    select
        authority_code,
        area_level,
        area_code,
        coalesce(present.area_name, earlier.area_name) as area_name,
        period_start,
        coalesce(present.period_end, earlier.period_end) as period_end,
        measure,
        earlier.numerator as numerator_from,
        present.numerator as numerator_to,
        earlier.value as value_from,
        present.value as value_to
    from present
    full join earlier using (authority_code, area_level, area_code, period_start, measure)
    where earlier.numerator is distinct from present.numerator
        or round(earlier.value, 9) is distinct from round(present.value, 9)
),

-- Records and statements that have arrived since the last build and may have changed a past month.
news as (
    select distinct
        events.authority_code,
        if(events.change = 'recorded', {{ local_date('events.fact_at') }}, null) as happened_on,
        case
            when events.change = 'corrected' then 'correction'
            when events.change = 'withdrawn' then 'withdrawal'
            when events.fact = 'persons-linked' then 'link'
            when events.is_backfill then 'history'
            else 'late_arrival'
        end as cause
    from ({{ up_to_the_cut(source('landing', 'events'), [
        'topic', 'kafka_partition', 'kafka_offset', 'authority_code', 'change', 'fact', 'fact_at',
        'is_backfill',
    ]) }}) as events
    left join {{ source('before', 'cut') }} as seen using (topic, kafka_partition)
    where events.kafka_offset >= coalesce(seen.next_offset, 0) and exists (from changed)
    union
    select authority_code, covers_from, 'coverage'
    from {{ source('landing', 'coverage') }}
    where stated_at > (select max(as_of) from {{ source('before', 'as_of') }})
        and stated_at <= {{ as_of() }}
        and exists (from changed)
),

explained as (
    select
        months.authority_code,
        months.period_start,
        list_sort(list(distinct news.cause)) as causes
    from (select distinct authority_code, period_start, period_end from changed) as months
    inner join news
        on news.authority_code = months.authority_code
        and coalesce(news.happened_on <= months.period_end, true)
    group by all
),

restated as (
    select
        (select max(as_of) from {{ source('run', 'as_of') }}) as restated_at,
        (select max(as_of) from {{ source('before', 'as_of') }}) as published_at,
        changed.*,
        -- If nothing that arrived explains the change, then the map, the populations or the project itself changed.
        coalesce(explained.causes, ['definition']) as causes
    from changed
    left join explained using (authority_code, period_start)
)

select * from {{ source('before', 'mart_restatements') }}
union all by name
-- If somebody loads history or makes a statement on coverage, the figures of all places can change. Such changes are
-- listed only for the authority.
select *
from restated
where not list_has_all(['history', 'coverage'], causes) or area_level = 'authority'
