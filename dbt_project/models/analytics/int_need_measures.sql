{%- set counts = ['referrals', 'dfe_referrals', 'contacts', 'cafs'] -%}
{%- set rests_on = ['referrals', 'social_care', 'contacts', 'early_help'] -%}
{%- set clocks = ['front_door', 'mash', 'assessment'] -%}
{%- set groups = [
    'individual', 'schools', 'education_services', 'health_services', 'housing', 'la_services', 'police',
    'other_legal_agency', 'other', 'anonymous', 'unknown',
] -%}
{%- set mixes = [] -%}
{%- for group in groups %}{% do mixes.append('source_' ~ group) %}{% endfor -%}
{%- for need in range(10) %}{% do mixes.append('need_n' ~ need) %}{% endfor -%}
-- The measures of need: what each of them counts, and what the count is divided by.
select row_number() over (order by measure) as measure_number, *
from (
    values
        {%- for count in counts %}
        ('{{ count }}', 'count', false, '{{ count }}', null, '{{ rests_on[loop.index0] }}'),
        ('{{ count }}_per_10000', 'rate', false, '{{ count }}', null, '{{ rests_on[loop.index0] }}'),
        {%- endfor %}
        ('re_referral_percent', 'share', false, 're_referrals', 'dfe_referrals', 're_referrals'),
        ('nfa_percent', 'share', false, 'nfa', 'dfe_referrals', 'social_care'),
        {%- for clock in clocks %}
        (
            '{{ clock }}_in_time_percent', 'share', false, '{{ clock }}_in_time', '{{ clock }}_clocks',
            '{{ 'assessments' if clock == 'assessment' else 'clocks' }}'
        ),
        {%- endfor %}
        {%- for mix in mixes %}
        ('{{ mix }}_percent', 'share', true, '{{ mix }}', 'dfe_referrals', 'social_care'),
        {%- endfor %}
        {%- for level in range(1, 5) %}
        ('families_at_level_{{ level }}', 'stock', false, 'families_at_level_{{ level }}', null, 'levels'),
        ('level_{{ level }}_percent', 'stock_share', false, 'families_at_level_{{ level }}', 'families', 'levels')
        {{- ',' if not loop.last }}
        {%- endfor %}
) as measures (measure, form, is_mix, counted, out_of, rests_on)
