-- Where a family was recorded as living, and when. The place comes from the family's address, or from the area that a
-- report gave. As long as the address is protected, no report may reveal the place.
with told as (
    select
        family_id,
        authority_code,
        event_order,
        occurred_at,
        if(fact = 'address-changed', coalesce(is_address_protected, false), null) as protection,
        if(fact = 'address-changed', coalesce(lsoa_code, 'unknown'), lsoa_code) as place
    from {{ ref('stg_events') }}
    where
        family_id is not null
        and (
            fact = 'address-changed'
            or lsoa_code is not null
            or event_order in (select min(event_order) from {{ ref('stg_events') }} group by family_id)
        )
),

known as (
    select
        *,
        coalesce(last_value(protection ignore nulls) over so_far, false) as is_protected,
        coalesce(last_value(place ignore nulls) over so_far, 'unknown') as latest_place
    from told
    window so_far as (partition by family_id order by event_order rows between unbounded preceding and current row)
)

select
    known.family_id,
    known.authority_code,
    if(known.is_protected, 'unknown', coalesce(areas.lsoa_code, 'unknown')) as lsoa_code,
    known.is_protected as is_address_protected,
    known.event_order as from_order,
    known.occurred_at as from_at,
    lead(known.occurred_at) over (partition by known.family_id order by known.event_order) as until_at
from known
left join {{ ref('lsoa_2021') }} as parts on parts.lsoa_code = known.latest_place
left join {{ ref('dim_area') }} as areas
    on areas.authority_code = known.authority_code
    and areas.lsoa_code = coalesce(parts.lsoa_2011_code, known.latest_place)
