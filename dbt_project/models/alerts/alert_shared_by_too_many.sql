-- A person or address is named in more families than is possible for one person or one home, so its id no longer
-- connects families. The data owner must tell the source. Only the build evaluates this rule, because only the build
-- sees all families.
with crowds as (
    select distinct kind, named_id, holder_kind, holders, most, named_at, evidence from {{ ref('int_crowds') }}
),

found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        cast(null as varchar) as family_id,
        crowds.named_id as entity_id,
        case crowds.kind
            when 'person' then 'Person ' || crowds.named_id || ' is named in '
            when 'link' then 'Person ' || crowds.named_id || ' and everybody linked to them are named in '
            else 'Address ' || crowds.named_id || ' is named with '
        end || crowds.holders || if(crowds.holder_kind = 'family', ' families', ' persons')
        || ', which is more than ' || crowds.most || ', so the id no longer connects families.' as reason,
        [crowds.evidence] as evidence,
        {'source': crowds.kind, 'id': crowds.named_id} as anchor,
        crowds.named_at as anchored_at,
        cast(null as timestamp) as deadline,
        cast(null as timestamp) as cleared_at,
        profiles.profile_id,
        false as is_backfill
    from crowds
    inner join {{ ref('stg_practice_profiles') }} as profiles on profiles.authority_code = '*'
    qualify row_number() over (
        partition by crowds.kind, crowds.named_id order by profiles.applies_from desc
    ) = 1
)

{{ alert_envelope('shared_by_too_many', 'found') }}
