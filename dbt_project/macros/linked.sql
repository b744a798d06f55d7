{#-
    The groups of identifiers that links connect, as two CTEs of a `with recursive`. `links` has the columns `one` and
    `other`. `linked` has each identifier of `links`, with the smallest identifier of its group as `person_id`.

    Each identifier is represented by the smallest identifier that it knows so far. In each round, it learns the
    smallest identifier that one of its neighbours knows. Its former representative learns that identifier as well. So
    the number of rounds grows only with the logarithm of the longest chain of links. The number of rows grows with the
    number of identifiers.
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
