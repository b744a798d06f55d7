{#-
    Whether a person is a child at a moment. After death, nobody counts as a child. If the date of birth is recorded,
    the person must be under 18 on the London day of that moment. If only a due date is recorded, the person counts as a
    child. If neither is recorded, the person must be in the household as a child or unborn child. In a year without 29
    February, the birthday of a person born on that day is 1 March.
-#}
{% macro is_child(record, household_role, moment) -%}
    case
        when {{ local_date(moment) }} > {{ record }}.died_on then false
        when {{ record }}.date_of_birth is not null then
            {{ local_date(moment) }} < make_date(
                year({{ record }}.date_of_birth) + 18, month({{ record }}.date_of_birth), 1
            ) + (day({{ record }}.date_of_birth) - 1)::integer
        when {{ record }}.due_date is not null then true
        else {{ household_role }} in ('child', 'unborn')
    end
{%- endmacro %}
