{#- Keep only facts whose source counts on `day` (London). Write the macro after a table in FROM. -#}
{% macro of_covered_time(kind, facts, day, source) -%}
    semi join {{ ref('int_covered_sources') }} as covered
        on covered.kind = '{{ kind }}'
        and covered.authority_code = {{ facts }}.authority_code
        and covered.source = {{ source }}
        and {{ day }} between covered.covers_from and covered.covers_to
{%- endmacro %}

{#-
    Keep only facts whose source counts on `day`, in months in which every day so far is covered. Use this macro for
    monthly figures.
-#}
{% macro of_covered_months(kind, facts, day, source) -%}
    {{ of_covered_time(kind, facts, day, source) }}
    semi join {{ ref('int_period_coverage') }} as whole
        on whole.period_kind = 'month'
        and whole.rests_on = '{{ kind }}'
        and whole.authority_code = {{ facts }}.authority_code
        and whole.period_start = date_trunc('month', {{ day }})
{%- endmacro %}
