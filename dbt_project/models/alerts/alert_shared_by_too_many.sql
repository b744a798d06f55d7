-- An id is named in more families than one person, or one home, can be of, so that it links nobody any more: its data
-- owner must tell the source. Judged in the build alone, which sees all families.
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
        || ', more than ' || crowds.most || ': it connects no families any more.' as reason,
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
