-- The thresholds that apply to an authority at a time. They come from the authority's own profile. Before its first own
-- profile applies, they come from the default ('*').
with profiles as (
    select * from {{ ref('practice_profiles') }}
),

authorities as (
    select distinct authority_code from profiles
),

candidates as (
    select
        authorities.authority_code as applies_to,
        profiles.*,
        profiles.authority_code = '*' and authorities.authority_code <> '*' as is_fallback
    from authorities
    inner join profiles on profiles.authority_code in (authorities.authority_code, '*')
),

-- When an authority's first own profile begins to apply, the default no longer applies to this authority.
in_use as (
    select candidates.*
    from candidates
    where not is_fallback
        or effective_from < (
            select min(own.effective_from) from profiles as own where own.authority_code = candidates.applies_to
        )
)

select
    applies_to || '/' || profile_version as profile_id,
    applies_to as authority_code,
    {{ utc_time('cast(effective_from as timestamp)') }} as applies_from,
    lead({{ utc_time('cast(effective_from as timestamp)') }}) over (
        partition by applies_to order by effective_from
    ) as applies_until,
    * exclude (applies_to, authority_code, is_fallback, effective_from)
from in_use
