-- Families to which a person is related, wherever the person and the families live. They are the families whose
-- household the person has joined, and the families that a risk marker of the person names. If the person joined a
-- family's household, this family counts only from that moment on.
with found as (
    select
        person_id,
        family_id,
        from_order,
        joined_at as from_at
    from {{ ref('int_household_stays') }}
    union all
    select
        person_id,
        unnest(marker_families),
        0,
        null
    from {{ ref('int_risk_markers') }}
)

select
    person_id,
    family_id,
    min(from_order) as from_order,
    if(min(from_order) = 0, null, min(from_at)) as from_at
from found
group by person_id, family_id
