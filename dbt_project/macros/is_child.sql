{#-
    Whether a person is a child at a moment. After death, never. With a date of birth, if the person is under 18 on that
    day in London. Without one, if the person is expected or in the household as a child.
    A birthday on 29 February is reached on 1 March of a common year.
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
