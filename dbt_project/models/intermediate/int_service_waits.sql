-- Requests for a partner's service, and when each was answered: the service started, was declined or was cancelled.
{%- set kinds = [
    'early_help', 'family_support', 'parenting', 'youth', 'childrens_centre', 'health_visiting', 'camhs',
    'substance_misuse', 'domestic_abuse', 'speech_and_language', 'housing_support', 'social_care', 'other',
] %}
with requests as (
    select
        family_id,
        service_request_id,
        service_kind,
        event_order,
        occurred_at as requested_at,
        evidence,
        profile_id,
        is_backfill
    from {{ ref('stg_events') }}
    where fact = 'service-requested'
    qualify row_number() over (partition by family_id, service_request_id order by event_order) = 1
),

-- An answer counts even if it is dated earlier than the request. Decisions on referrals are treated in the same way.
answers as (
    select
        family_id,
        service_request_id,
        min(occurred_at) as answered_at,
        arg_min(evidence, event_order) as answer_evidence
    from {{ ref('stg_events') }}
    where fact in ('service-started', 'service-declined', 'service-cancelled')
    group by family_id, service_request_id
),

-- The target days depend on the kind of service.
timed as (
    select
        requests.*,
        answers.answered_at,
        answers.answer_evidence,
        case requests.service_kind
            {%- for kind in kinds %}
            when '{{ kind }}' then profiles.waiting_days_{{ kind }}
            {%- endfor %}
        end as target_days
    from requests
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    left join answers using (family_id, service_request_id)
)

select
    *,
    requested_at + to_days(target_days) as limit_at
from timed
