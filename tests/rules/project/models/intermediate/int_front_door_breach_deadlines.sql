with due as (
    select family_id, unnest([occurred_at + interval 18 hour, occurred_at + interval 24 hour]) as due_at
    from {{ ref('int_referrals') }} where decided_at is null
)
select family_id, due_at from due cross join {{ source('run', 'as_of') }} as clock where due_at >= clock.as_of
