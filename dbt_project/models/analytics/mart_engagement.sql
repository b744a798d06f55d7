-- How often adults take part in meetings, by their role in the household, the kind of meeting, the area and the month.
with counted as (
    select
        attendance.authority_code,
        coalesce(areas.area_code, 'unknown') as area_code,
        coalesce(areas.area_name, 'unknown') as area_name,
        attendance.meeting_kind,
        attendance.adult_role,
        attendance.held_month as month_starts_on,
        count(*) as meetings,
        count(*) filter (attendance.took_part) as took_part,
        count(distinct attendance.family_id) as families,
        count(distinct attendance.family_id) filter (attendance.took_part) as families_engaged
    from {{ ref('fct_meeting_attendance') }} as attendance
    {{ of_covered_months('meetings', 'attendance', local_date('attendance.held_at'), 'attendance.event_source') }}
    left join {{ ref('dim_area') }} as areas using (authority_code, lsoa_code)
    group by all
)

select
    *,
    100 * took_part / meetings as took_part_percent,
    100 * {{ wilson('took_part', 'meetings', '-') }} as took_part_lower,
    100 * {{ wilson('took_part', 'meetings', '+') }} as took_part_upper
from counted
