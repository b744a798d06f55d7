{#-
    The groups of identifiers that links connect, as two CTEs of a `with recursive`. `linked` has each identifier of
    `links` (`one`, `other`) with the smallest of its group (`person_id`).

    Each round passes to each identifier, and to the one that stands for it, the smallest that a neighbour knows. The
    rounds grow with the logarithm of the longest chain of links, and the rows with the number of identifiers.
-#}
{% macro linked(links) %}
neighbours as (
    select one, other from {{ links }}
    union
    select other, one from {{ links }}
),

linked (identifier, person_id) using key (identifier) as (
    select one, min(least(one, other))
    from neighbours
    group by one
    union
    (
        with told as (
            select neighbours.one as identifier, theirs.person_id
            from neighbours
            inner join recurring.linked as theirs on theirs.identifier = neighbours.other
            union all
            select own.person_id, theirs.person_id
            from neighbours
            inner join recurring.linked as own on own.identifier = neighbours.one
            inner join recurring.linked as theirs on theirs.identifier = neighbours.other
            union all
            select own.identifier, stands.person_id
            from recurring.linked as own
            inner join recurring.linked as stands on stands.identifier = own.person_id
        )

        select told.identifier, min(told.person_id)
        from told
        inner join recurring.linked as own on own.identifier = told.identifier
        where told.person_id < own.person_id and exists (select identifier from linked)
        group by told.identifier
    )
)
{% endmacro %}
