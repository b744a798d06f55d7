-- Levels of need, with the names that each authority gives them.
with authorities as (
    select distinct authority_code from {{ ref('dim_area') }}
),

own as (
    select * from {{ ref('levels') }} where authority_code <> '*'
),

defaults as (
    select * exclude (authority_code) from {{ ref('levels') }} where authority_code = '*'
)

select
    authorities.authority_code,
    defaults.level,
    coalesce(own.label, defaults.label) as label,
    coalesce(own.meaning, defaults.meaning) as meaning
from authorities
cross join defaults
left join own on own.authority_code = authorities.authority_code and own.level = defaults.level
