{#- Whether a clock ran out: `moment` has passed, and nothing had stopped the clock by then. -#}
{% macro has_run_out(moment, stopped_at) -%}
    {{ as_of() }} > {{ moment }} and ({{ stopped_at }} is null or {{ stopped_at }} > {{ moment }})
{%- endmacro %}

{#- Whether a clock may still run out: `moment` is in the future, and nothing has stopped the clock. -#}
{% macro may_run_out(moment, stopped_at) -%}
    {{ moment }} >= {{ as_of() }} and ({{ stopped_at }} is null or {{ stopped_at }} > {{ moment }})
{%- endmacro %}
