-- The number of families at each level of need, for each LSOA and the end of each month, or now for the present month.
-- All other figures are sums of these numbers.
with months as (
    select
        authority_code,
        period_start as month_starts_on,
        {{ utc_time('(period_end + interval 1 day)') }} as ended_at
    from {{ ref('int_need_periods') }}
    where period_kind = 'month'
)

select
    places.authority_code,
    places.lsoa_code,
    months.month_starts_on,
    coalesce('families_at_level_' || status.level, 'families') as counted,
    count(*) as number
from months
inner join {{ ref('int_family_status') }} as status
    on status.level is not null
    and status.from_at < months.ended_at
    and coalesce(status.until_at >= months.ended_at, true)
inner join {{ ref('int_family_places') }} as places
    on places.family_id = status.family_id
    and places.authority_code = months.authority_code
    and places.from_at < months.ended_at
    and coalesce(places.until_at >= months.ended_at, true)
group by grouping sets (
    (places.authority_code, places.lsoa_code, months.month_starts_on, status.level),
    (places.authority_code, places.lsoa_code, months.month_starts_on)
)
