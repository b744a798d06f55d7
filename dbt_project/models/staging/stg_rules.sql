-- The time during which each version of a rule raises alerts.
select
    rule,
    version,
    severity,
    entity_kind,
    {{ utc_time('cast(effective_from as timestamp)') }} as applies_from,
    lead({{ utc_time('cast(effective_from as timestamp)') }}) over (
        partition by rule order by effective_from
    ) as applies_until
from {{ ref('rules') }}
