-- Each measure of the mart has a definition, and each definition has a measure (unless nothing has been recorded yet).
with given as (
    select distinct measure from {{ ref('mart_locality_need') }}
),

defined as (
    select measure from {{ ref('dim_measure') }} where model = 'mart_locality_need'
)

select measure
from given
full join defined using (measure)
where (given.measure is null or defined.measure is null)
    and exists (from given)
    and not (given.measure is null and ends_with(measure, '_percent'))
