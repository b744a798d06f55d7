-- Working hours begin and end on the same day, and begin after the hour at which London's clocks change.
select
    authority_code,
    profile_version
from {{ ref('practice_profiles') }}
where working_day_starts < time '03:00:00' or working_day_ends <= working_day_starts
