{%- set spans = [
    ('referral_id', ['referral-submitted'], ['referral-decided', 'referral-allocated', 'feedback-sent']),
    ('case_id', ['case-opened'], ['case-closed']),
    ('assessment_id', ['assessment-started'], ['assessment-completed']),
    ('service_request_id', ['service-requested'], [
        'service-started', 'service-declined', 'service-cancelled', 'service-ended',
    ]),
    ('person_id', ['household-joined'], ['household-left']),
    ('marker_id', ['risk-marker-set'], ['risk-marker-cleared']),
] -%}
-- Events in force with impossible dates: dates before 2000, or an end before its start.
with spanned as (
    {%- for thing, starts, ends in spans %}
    select
        topic,
        root_source,
        received_at,
        occurred_at,
        fact in ('{{ ends | join("', '") }}') as is_end,
        min(occurred_at) filter (fact in ('{{ starts | join("', '") }}')) over (
            partition by {{ 'family_id, ' if thing != 'marker_id' }}{{ thing }}
        ) as started_at
    from {{ ref('stg_events') }}
    where {{ thing }} is not null and fact in ('{{ (starts + ends) | join("', '") }}')
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

found as (
    select topic, root_source, received_at, 'end_before_start' as problem
    from spanned
    where is_end and occurred_at < started_at
    union all
    select topic, root_source, received_at, 'before_2000'
    from {{ ref('stg_events') }}
    where not {{ is_possible('occurred_at') }}
        -- Facts about persons and their homes can date from before 2000, so they are left out.
        and fact not in (
            'person-recorded', 'persons-linked', 'household-joined', 'household-left', 'address-changed',
            'risk-marker-set', 'risk-marker-reviewed', 'risk-marker-cleared'
        )
)

select
    {{ local_date('received_at') }} as received_on,
    topic,
    root_source as event_source,
    problem,
    count(*) as records
from found
group by all
