-- How soon people acknowledge alerts, by the day on which each was raised.
select
    {{ local_date('first_raised_at') }} as raised_on,
    authority_code,
    coalesce(area, 'unknown') as area,
    rule,
    severity,
    count(*) as raised,
    count(*) filter (acknowledged_at is not null and coalesce(minutes_to_acknowledge <= 60, true))
        as acknowledged_within_an_hour,
    count(*) filter (minutes_to_acknowledge > 60) as acknowledged_later,
    count(*) filter (acknowledged_at is null) as not_acknowledged,
    median(minutes_to_acknowledge) as median_minutes_to_acknowledge
from {{ ref('fct_alerts') }}
where is_streamed and not coalesce(is_backfill, false)
group by all
