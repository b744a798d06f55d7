-- Planned releases from custody to families with a child, and the time during which a release is a reason to act. Only
-- the latest plan for a person counts. If the person's id is over-shared, the latest plan for each named family counts,
-- and addresses in plans do not count.
with told as (
    select
        coalesce(identities.person_id, events.person_id) as person_id,
        events.person_id in {{ crowds('person') }} as is_of_crowd,
        events.release_on,
        events.address_id,
        events.release_family_id,
        events.event_order,
        events.occurred_at,
        events.evidence,
        events.profile_id,
        events.is_backfill
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact = 'custody-release-planned'
),

plans as (
    select
        * replace (if(is_of_crowd, null, address_id) as address_id),
        if(is_of_crowd, coalesce(release_family_id, ''), '') as planned_for
    from told
),

timed as (
    select
        plans.*,
        {{ after('plans.event_order', '(plans.person_id, plans.planned_for)', 'persons', endless()) }} as until_order,
        {{ after('plans.occurred_at', '(plans.person_id, plans.planned_for)', 'persons') }} as replaced_at,
        {{ utc_time('cast(plans.release_on - profiles.custody_release_days as timestamp)') }} as due_from,
        {{ utc_time('cast(plans.release_on - profiles.custody_release_red_days as timestamp)') }} as red_from,
        {{ utc_time('cast(plans.release_on + 1 as timestamp)') }} as over_at
    from plans
    inner join {{ ref('stg_practice_profiles') }} as profiles using (profile_id)
    window persons as (order by plans.person_id, plans.planned_for, plans.event_order)
),

homes as (
    select
        subject_id as family_id,
        address_id,
        address_id in {{ crowds('address') }} as is_of_crowd,
        from_order,
        until_order,
        moved_in_at,
        moved_out_at
    from {{ ref('int_residences') }}
    where subject_kind = 'family'
),

-- The families that a plan concerns, and when. They are the family that the plan names, and the families that live at
-- the address in the plan. If that address is over-shared, only families to which the person is related count.
concerned as (
    select
        timed.* exclude (is_of_crowd, planned_for, address_id, release_family_id, until_order, replaced_at),
        timed.release_family_id as family_id,
        timed.event_order as from_order,
        timed.until_order,
        timed.occurred_at as from_at,
        timed.replaced_at as until_at
    from timed
    where timed.release_family_id is not null
    union all by name
    select
        timed.* exclude (is_of_crowd, planned_for, address_id, release_family_id, until_order, replaced_at),
        homes.family_id,
        greatest(timed.event_order, homes.from_order, related.from_order) as from_order,
        least(timed.until_order, homes.until_order) as until_order,
        greatest(timed.occurred_at, homes.moved_in_at, related.from_at) as from_at,
        least(timed.replaced_at, homes.moved_out_at) as until_at
    from timed
    inner join homes
        on homes.address_id = timed.address_id
        and homes.from_order < timed.until_order
        and homes.until_order > timed.event_order
    left join {{ ref('int_related_families') }} as related
        on related.person_id = timed.person_id
        and related.family_id = homes.family_id
        and homes.is_of_crowd
    where
        not homes.is_of_crowd
        or related.from_order < least(timed.until_order, homes.until_order)
),

-- The latest recorded role of each person in the household.
joined as (
    select
        events.family_id,
        coalesce(identities.person_id, events.person_id) as person_id,
        events.household_role,
        events.event_order,
        events.occurred_at
    from {{ ref('stg_events') }} as events
    left join {{ ref('int_identities') }} as identities on identities.identifier = events.person_id
    where events.fact = 'household-joined'
),

roles as (
    select
        *,
        {{ after('event_order', '(family_id, person_id)', 'members', endless()) }} as until_order,
        {{ after('occurred_at', '(family_id, person_id)', 'members') }} as until_at
    from joined
    window members as (order by family_id, person_id, event_order)
),

-- Stretches of time in which a plan concerns a family and the household has another member. During each stretch, the
-- member's role and personal record do not change.
with_member as (
    select
        concerned.*,
        roles.household_role,
        records.date_of_birth,
        records.due_date,
        records.died_on,
        greatest(concerned.from_at, stays.joined_at, roles.occurred_at, records.from_at) as told_at,
        least(concerned.until_at, stays.left_at, roles.until_at, records.until_at) as untold_at
    from concerned
    inner join {{ ref('int_household_stays') }} as stays
        on stays.family_id = concerned.family_id
        and stays.person_id <> concerned.person_id
    inner join roles on roles.family_id = stays.family_id and roles.person_id = stays.person_id
    left join {{ ref('int_person_records') }} as records
        on records.person_id = stays.person_id
        and records.until_order > greatest(concerned.from_order, stays.from_order, roles.event_order)
        and records.from_order < least(concerned.until_order, stays.until_order, roles.until_order)
    where
        greatest(concerned.from_order, stays.from_order, roles.event_order)
        < least(concerned.until_order, stays.until_order, roles.until_order)
),

-- A stretch does not count if it ends before the release is near, or at the very moment at which the release becomes
-- near.
turning as (
    select
        *,
        greatest(told_at, due_from) as turns_at
    from with_member
    where told_at >= due_from or untold_at is null or untold_at > due_from
)

select
    turning.family_id,
    turning.event_order,
    any_value(turning.release_on) as release_on,
    any_value(turning.evidence) as evidence,
    any_value(turning.profile_id) as profile_id,
    any_value(turning.is_backfill) as is_backfill,
    min(turning.told_at) as told_at,
    min(turning.turns_at) as turns_at,
    any_value(turning.due_from) as due_from,
    any_value(turning.red_from) as red_from,
    any_value(turning.over_at) as over_at,
    case
        when count(turning.until_at) = count(*) then least(max(turning.until_at), any_value(turning.over_at))
        when {{ as_of() }} > any_value(turning.over_at) then any_value(turning.over_at)
    end as cleared_at
from turning
where turning.turns_at < turning.over_at and {{ is_child('turning', 'turning.household_role', 'turning.turns_at') }}
group by turning.family_id, turning.event_order
