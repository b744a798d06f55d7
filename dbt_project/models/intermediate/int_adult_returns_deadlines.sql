-- Future moments at which a risk marker that concerns a family expires.
with markers as (
    select
        person_id,
        marker_families,
        is_of_crowd,
        expires_at
    from {{ ref('int_risk_markers') }}
    where until_order = {{ endless() }} and expires_at >= {{ as_of() }}
)

select
    unnest(marker_families) as family_id,
    expires_at as due_at
from markers
union
select
    presence.family_id,
    markers.expires_at
from markers
inner join {{ ref('int_marked_presence') }} as presence using (person_id)
where not markers.is_of_crowd
