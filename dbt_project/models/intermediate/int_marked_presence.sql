-- When a person with a risk marker was in a family's household or lived at its address. Overlapping spells are one
-- stay. At an over-shared address, a person and a family count as living together only if they are related
-- (`int_related_families`).
with marked as (
    select distinct person_id from {{ ref('int_risk_markers') }}
),

in_household as (
    select
        stays.family_id,
        stays.person_id,
        'household' as spell_kind,
        stays.from_order,
        stays.until_order,
        stays.joined_at as from_at,
        stays.left_at as until_at,
        stays.evidence,
        stays.profile_id,
        stays.is_backfill
    from {{ ref('int_household_stays') }} as stays
    semi join marked on marked.person_id = stays.person_id
),

-- A person and a family live at the same address from the later of their two moves in until the earlier of their two
-- moves out.
at_address as (
    select
        families.subject_id as family_id,
        persons.subject_id as person_id,
        'address' as spell_kind,
        greatest(persons.from_order, families.from_order) as from_order,
        least(persons.until_order, families.until_order) as until_order,
        greatest(persons.moved_in_at, families.moved_in_at) as from_at,
        least(persons.moved_out_at, families.moved_out_at) as until_at,
        if(persons.from_order > families.from_order, persons.evidence, families.evidence) as evidence,
        if(persons.from_order > families.from_order, persons.profile_id, families.profile_id) as profile_id,
        if(persons.from_order > families.from_order, persons.is_backfill, families.is_backfill) as is_backfill
    from {{ ref('int_residences') }} as persons
    semi join marked on marked.person_id = persons.subject_id
    inner join {{ ref('int_residences') }} as families
        on families.address_id = persons.address_id
        and families.from_order < persons.until_order
        and persons.from_order < families.until_order
    left join {{ ref('int_related_families') }} as relations
        on relations.person_id = persons.subject_id and relations.family_id = families.subject_id
    where
        persons.subject_kind = 'person'
        and families.subject_kind = 'family'
        and (
            families.address_id not in {{ crowds('address') }}
            or relations.from_order < greatest(persons.from_order, families.from_order)
        )
),

spells as (
    select * from in_household
    union all
    select * from at_address
),

begun as (
    select
        *,
        from_order > coalesce(
            max(until_order) over (
                partition by family_id, person_id order by from_order, spell_kind
                rows between unbounded preceding and 1 preceding
            ),
            -1
        ) as is_new_stay
    from spells
),

numbered as (
    select
        *,
        sum(is_new_stay::integer) over (
            partition by family_id, person_id order by from_order, spell_kind
            rows between unbounded preceding and current row
        )::integer as stay_number
    from begun
)

select
    * exclude (is_new_stay),
    min(from_order) over stay as stay_from_order,
    max(until_order) over stay as stay_until_order,
    if(max(until_order) over stay = {{ endless() }}, null, max(until_at) over stay) as stay_until_at
from numbered
window stay as (partition by family_id, person_id, stay_number)
