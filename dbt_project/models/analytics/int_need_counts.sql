-- The counts for each LSOA and covered day. All other figures are sums of these counts.
with referred as (
    select
        authority_code,
        lsoa_code,
        referred_on,
        unnest(list_concat(
            ['dfe_referrals', 'source_' || lower(source_group), 'need_' || lower(coalesce(primary_need, 'N0'))],
            if(is_dfe_re_referral, ['re_referrals'], []),
            if(is_nfa, ['nfa'], [])
        )) as counted
    from {{ ref('fct_referrals') }} as facts
    {{ of_covered_time('social_care', 'facts', 'facts.referred_on', 'facts.event_source') }}
    where is_dfe_referral
),

submitted as (
    select distinct authority_code, lsoa_code, referred_on, family_id, referral_id
    from {{ ref('fct_referrals') }} as facts
    {{ of_covered_time('referrals', 'facts', 'facts.referred_on', 'facts.event_source') }}
),

told as (
    select
        family_id,
        authority_code,
        event_order,
        root_source,
        {{ local_date('occurred_at') }} as happened_on,
        if(fact = 'contact-recorded', 'contacts', 'cafs') as counted
    from {{ ref('stg_events') }}
    where fact = 'contact-recorded' or (fact = 'assessment-started' and assessment_kind in ('caf', 'early_help'))
),

steps as (
    {%- for counted, kind in {'contacts': 'contacts', 'cafs': 'early_help'}.items() %}
    select told.*
    from told
    {{ of_covered_time(kind, 'told', 'told.happened_on', 'told.root_source') }}
    where told.counted = '{{ counted }}'
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

placed as (
    select steps.*, coalesce(places.lsoa_code, 'unknown') as lsoa_code
    from steps
    asof left join {{ ref('int_family_places') }} as places
        on places.family_id = steps.family_id and places.from_order <= steps.event_order
),

-- A clock counts on the day on which it was stopped in time, or on which its limit passed. So the figures of a past
-- month do not change when a late clock is stopped.
kept as (
    select
        authority_code,
        lsoa_code,
        {{ local_date("if(state = 'met', stopped_at, limit_at)") }} as happened_on,
        clock,
        state = 'met' as is_in_time
    from {{ ref('fct_clocks') }} as facts
    {{ of_covered_time('clocks', 'facts', local_date('facts.started_at'), 'facts.event_source') }}
    where state in ('met', 'missed', 'breached')
    union all
    select
        authority_code,
        lsoa_code,
        if(is_in_time, {{ local_date('completed_at') }}, limit_on),
        'assessment',
        is_in_time
    from {{ ref('fct_assessments') }} as facts
    {{ of_covered_time('assessments', 'facts', local_date('facts.started_at'), 'facts.event_source') }}
    where is_in_time is not null
),

clocks as (
    select
        authority_code,
        lsoa_code,
        happened_on,
        unnest(if(is_in_time, [clock || '_clocks', clock || '_in_time'], [clock || '_clocks'])) as counted
    from kept
),

happened as (
    select authority_code, lsoa_code, referred_on as happened_on, counted from referred
    union all
    select authority_code, lsoa_code, referred_on, 'referrals' from submitted
    union all
    select authority_code, lsoa_code, happened_on, counted from placed
    union all
    select authority_code, lsoa_code, happened_on, counted from clocks
)

select
    authority_code,
    lsoa_code,
    happened_on,
    counted,
    count(*) as number
from happened
group by all
