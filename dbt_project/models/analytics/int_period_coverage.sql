-- The kinds of figures for which each period is covered. All days of the period so far must be covered. The time to
-- which the figures look back must be covered as well.
with asked as (
    select
        periods.authority_code,
        periods.period_kind,
        periods.period_start,
        kinds.rests_on,
        kinds.kind,
        cast(periods.period_start - to_months(kinds.months_back) as date) as first_day,
        least(periods.period_end, {{ local_date(as_of()) }}) as last_day
    from {{ ref('int_need_periods') }} as periods
    cross join (
        values
            ('contacts', 'contacts', 0),
            ('referrals', 'referrals', 0),
            ('social_care', 'social_care', 0),
            ('re_referrals', 'social_care', 0),
            ('re_referrals', 'history', 12),
            ('early_help', 'early_help', 0),
            ('clocks', 'clocks', 0),
            ('assessments', 'assessments', 0),
            ('levels', 'levels', 0),
            ('services', 'services', 0),
            ('meetings', 'meetings', 0),
            ('outcomes', 'outcomes', 0)
    ) as kinds (rests_on, kind, months_back)
),

-- Stretches of coverage of one kind do not overlap, so their days can be added up.
found as (
    select
        asked.authority_code,
        asked.period_kind,
        asked.period_start,
        asked.rests_on,
        asked.kind,
        sum(
            least(coverage.covers_to, asked.last_day) - greatest(coverage.covers_from, asked.first_day) + 1
        ) = any_value(asked.last_day - asked.first_day) + 1 as is_whole
    from asked
    inner join {{ ref('dim_coverage') }} as coverage
        on coverage.authority_code = asked.authority_code
        and coverage.kind = asked.kind
        and coverage.covers_from <= asked.last_day
        and coverage.covers_to >= asked.first_day
    group by all
)

select
    authority_code,
    period_kind,
    period_start,
    rests_on
from found
where is_whole
group by all
having count(*) = if(rests_on = 're_referrals', 2, 1)
