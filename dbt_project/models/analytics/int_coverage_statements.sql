-- Statements about coverage, except those that were taken back before the build.
select
    statement_id,
    stated_at,
    authority_code,
    source,
    kinds,
    covers_from,
    covers_to,
    is_whole,
    stated_by,
    why
from {{ source('landing', 'coverage') }}
where stated_at <= {{ as_of() }}
qualify row_number() over (partition by statement_id order by stated_at desc, change) = 1 and change = 'stated'
