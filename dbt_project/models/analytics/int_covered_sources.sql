-- The sources whose events count in figures, and the time for which each of them counts.
with sources as (
    select distinct authority_code, root_source as source from {{ ref('stg_events') }}
),

unnamed as (
    select *
    from sources
    anti join {{ ref('int_coverage_statements') }} as named using (authority_code, source)
)

select coverage.authority_code, coverage.kind, unnamed.source, coverage.covers_from, coverage.covers_to
from {{ ref('dim_coverage') }} as coverage
inner join unnamed using (authority_code)
where coverage.source = '*'
union all
select authority_code, kind, source, covers_from, covers_to
from {{ ref('dim_coverage') }}
where source <> '*'
