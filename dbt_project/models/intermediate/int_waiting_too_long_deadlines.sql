{{ config(meta={'empty_without': ['service-requested']}) }}
-- Moments to come at which the target of a service that is waited for passes.
select distinct
    family_id,
    limit_at as due_at
from {{ ref('int_service_waits') }}
where limit_at >= {{ as_of() }} and (answered_at is null or answered_at > limit_at)
