-- Checks the table of days around a Good Friday and around the first of April.
with expected as (
    select *
    from (
        values
            (date '2026-03-31', 2026, true),
            (date '2026-04-01', 2027, true),
            (date '2026-04-03', 2027, false),
            (date '2026-04-04', 2027, false),
            (date '2026-04-07', 2027, true)
    ) as days (date_day, collection_year, is_working_day)
)

select expected.*
from expected
left join {{ ref('dim_date') }} as found using (date_day)
where row(found.collection_year, found.is_working_day)
    is distinct from row(expected.collection_year, expected.is_working_day)
