-- Future moments at which a risk marker of a person expires, if the person came to a family that the marker does not
-- concern.
with arrivals as (
    select
        family_id,
        unnest(person_ids) as person_id
    from {{ ref('int_marked_arrivals') }}
    where not concerns_family
)

select distinct
    arrivals.family_id,
    markers.expires_at as due_at
from arrivals
inner join {{ ref('int_risk_markers') }} as markers using (person_id)
where markers.until_order = {{ endless() }} and markers.expires_at >= {{ as_of() }}
