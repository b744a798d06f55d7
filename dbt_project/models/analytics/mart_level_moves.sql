-- How many families moved from one level of need to another, by area and month.
select
    moves.authority_code,
    coalesce(areas.area_code, 'unknown') as area_code,
    coalesce(areas.area_name, 'unknown') as area_name,
    moves.changed_month as month_starts_on,
    moves.level_before as from_level,
    moves.level as to_level,
    moves.direction,
    count(*) as moves,
    count(distinct moves.family_id) as families
from {{ ref('fct_level_changes') }} as moves
{{ of_covered_months('levels', 'moves', local_date('moves.changed_at'), 'moves.event_source') }}
left join {{ ref('dim_area') }} as areas using (authority_code, lsoa_code)
where moves.direction in ('up', 'down')
group by all
