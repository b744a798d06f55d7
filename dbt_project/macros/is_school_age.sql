{#-
    Whether a child (see `is_child`) is of reception age or older on a school day. Reception begins in the September
    after the fourth birthday. A child without a date of birth or due date counts, and an expected child does not.
-#}
{% macro is_school_age(record, household_role, moment, school_day) -%}
    {{ is_child(record, household_role, moment) }}
    and case
        when {{ record }}.date_of_birth is not null then
            {{ record }}.date_of_birth <= make_date(
                year({{ local_date(school_day) }}) - if(month({{ local_date(school_day) }}) < 9, 5, 4), 8, 31
            )
        else {{ record }}.due_date is null and {{ household_role }} = 'child'
    end
{%- endmacro %}
