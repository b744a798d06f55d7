{#- Keeps what figures count: of a source that counts on that day, `day` in London. To follow a table in a FROM. -#}
{% macro of_covered_time(kind, facts, day, source) -%}
    semi join {{ ref('int_covered_sources') }} as covered
        on covered.kind = '{{ kind }}'
        and covered.authority_code = {{ facts }}.authority_code
        and covered.source = {{ source }}
        and {{ day }} between covered.covers_from and covered.covers_to
{%- endmacro %}

{#- The same by the month, for figures of months: all of the month is covered, so far. -#}
{% macro of_covered_months(kind, facts, day, source) -%}
    {{ of_covered_time(kind, facts, day, source) }}
    semi join {{ ref('int_period_coverage') }} as whole
        on whole.period_kind = 'month'
        and whole.rests_on = '{{ kind }}'
        and whole.authority_code = {{ facts }}.authority_code
        and whole.period_start = date_trunc('month', {{ day }})
{%- endmacro %}
