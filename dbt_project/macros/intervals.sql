{#-
    95 % intervals, by the methods of the Office for Health Improvement and Disparities (Technical guide: common methods
    for public health analysis). A count is taken as Poisson, with exact limits below 10 and Byar's limits from 10. A
    share is taken as binomial, with Wilson's limits. The limits of a difference are calculated from the limits of its
    two values (shares: Newcombe 1998, method 10; any value: MOVER, Donner and Zou 2012).
-#}

{% macro z() -%} 1.959963984540054 {%- endmacro %}

{#-
    Exact limits for n from 0 to 9. Each limit is half of a chi-squared quantile: the 2.5 % quantile with 2n degrees of
    freedom for the lower limit, and the 97.5 % quantile with 2n + 2 for the upper limit.
-#}
{% macro poisson_lower(count) -%}
    if(
        {{ count }} < 10,
        [
            0.0, 0.025317808, 0.242209279, 0.618672123, 1.089865374,
            1.623486390, 2.201894253, 2.814363052, 3.453832177, 4.115373097
        ][{{ count }} + 1],
        {{ count }} * pow(1 - 1 / (9 * {{ count }}) - {{ z() }} / (3 * sqrt({{ count }})), 3)
    )
{%- endmacro %}

{% macro poisson_upper(count) -%}
    if(
        {{ count }} < 10,
        [
            3.688879454, 5.571643391, 7.224687668, 8.767273070, 10.241588675,
            11.668332079, 13.059474023, 14.422675362, 15.763189220, 17.084803451
        ][{{ count }} + 1],
        ({{ count }} + 1)
        * pow(1 - 1 / (9 * ({{ count }} + 1)) + {{ z() }} / (3 * sqrt({{ count }} + 1)), 3)
    )
{%- endmacro %}

{#- One of Wilson's limits of a share: the lower limit if `side` is -, and the upper limit if it is +. -#}
{% macro wilson(numerator, denominator, side) -%}
    (
        2 * {{ numerator }} + pow({{ z() }}, 2)
        {{ side }} {{ z() }} * sqrt(
            pow({{ z() }}, 2) + 4 * {{ numerator }} * (1 - {{ numerator }} / {{ denominator }})
        )
    ) / (2 * ({{ denominator }} + pow({{ z() }}, 2)))
{%- endmacro %}

{#- Limits of `later` minus `earlier`. Each of these two is a CTE or table with value, lower and upper. -#}
{% macro change_lower(later, earlier) -%}
    {{ later }}.value - {{ earlier }}.value - sqrt(
        pow({{ later }}.value - {{ later }}.lower, 2) + pow({{ earlier }}.upper - {{ earlier }}.value, 2)
    )
{%- endmacro %}

{% macro change_upper(later, earlier) -%}
    {{ later }}.value - {{ earlier }}.value + sqrt(
        pow({{ later }}.upper - {{ later }}.value, 2) + pow({{ earlier }}.value - {{ earlier }}.lower, 2)
    )
{%- endmacro %}
