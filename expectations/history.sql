-- Checks whether the records that landed in a range fit the records that landed before. Returns, for each check and
-- verdict, the number of records. For records that failed, it also returns their coordinates. Parameters: $since and
-- $until, the range of landed_at ($until itself is not in the range). Withdrawn events are left out. The checks follow
-- the DfE's validation rules for the children-in-need census.
WITH withdrawn AS (
    SELECT DISTINCT root_source, root_id FROM landing.main.events WHERE change = 'withdrawn'
),

facts AS MATERIALIZED (
    SELECT
        topic, kafka_partition, kafka_offset, landed_at, fact, fact_at, family_id, person_id, case_id, service_id,
        referral_id, assessment_id, assessment_kind, closure_reason, decision, factors, person_ids,
        date_of_birth, due_date, died_on,
        landed_at >= $since AND landed_at < $until AS is_judged
    FROM landing.main.events
    ANTI JOIN withdrawn USING (root_source, root_id)
    WHERE
        landed_at < $until
        AND fact IN (
            'case-opened', 'case-closed', 'family-seen', 'review-held', 'taf-meeting-held', 'referral-submitted',
            'referral-decided', 'referral-allocated', 'assessment-started', 'assessment-completed', 'person-recorded',
            'household-joined'
        )
),

openings AS (SELECT case_id, family_id, service_id, min(fact_at) AS opened_at FROM facts WHERE fact = 'case-opened' GROUP BY ALL),
closings AS (SELECT case_id, min(fact_at) AS closed_at FROM facts WHERE fact = 'case-closed' GROUP BY ALL),
episodes AS (SELECT * FROM openings LEFT JOIN closings USING (case_id)),
referrals AS (SELECT referral_id, min(fact_at) AS referred_at FROM facts WHERE fact = 'referral-submitted' GROUP BY ALL),
decisions AS (
    SELECT referral_id, arg_max(decision, fact_at) AS decision, max(fact_at) AS decided_at
    FROM facts WHERE fact = 'referral-decided' GROUP BY ALL
),
assessed AS (SELECT family_id, min(fact_at) AS assessed_at FROM facts WHERE fact = 'assessment-completed' GROUP BY ALL),
statutory AS (
    SELECT DISTINCT assessment_id FROM facts
    WHERE fact = 'assessment-started' AND assessment_kind = 'child_and_family'
),
persons AS (
    SELECT
        person_id, max(coalesce(date_of_birth, due_date)) AS born_on, max(died_on) AS died_on
    FROM facts WHERE fact = 'person-recorded' GROUP BY ALL
),
deaths AS (
    SELECT DISTINCT facts.family_id FROM facts JOIN persons USING (person_id)
    WHERE facts.fact = 'household-joined' AND persons.died_on IS NOT NULL
),
judged AS (SELECT * FROM facts WHERE is_judged),
referred AS (
    SELECT topic, kafka_partition, kafka_offset, fact_at, unnest(person_ids) AS person_id
    FROM judged WHERE fact = 'referral-submitted'
),

verdicts AS (
    SELECT 'closure_has_opening' AS expectation, j.topic, j.kafka_partition, j.kafka_offset, o.opened_at IS NOT NULL AS verdict
    FROM judged AS j LEFT JOIN openings AS o ON j.case_id = o.case_id AND o.opened_at <= j.fact_at
    WHERE j.fact = 'case-closed'
    UNION ALL
    SELECT 'single_open_episode', j.topic, j.kafka_partition, j.kafka_offset, count(e.case_id) = 0
    FROM judged AS j
    LEFT JOIN episodes AS e
        ON j.family_id = e.family_id AND j.service_id = e.service_id AND j.case_id != e.case_id
        AND e.opened_at < j.fact_at AND coalesce(e.closed_at > j.fact_at, true)
    WHERE j.fact = 'case-opened' GROUP BY ALL
    UNION ALL
    SELECT
        'open_family_is_active', j.topic, j.kafka_partition, j.kafka_offset,
        count(e.case_id) = 0 OR bool_or(coalesce(e.closed_at >= j.fact_at, e.case_id IS NOT NULL))
    FROM judged AS j LEFT JOIN episodes AS e ON j.family_id = e.family_id AND e.opened_at <= j.fact_at
    WHERE j.fact IN ('family-seen', 'review-held', 'taf-meeting-held') GROUP BY ALL
    UNION ALL
    SELECT
        'referral_with_no_further_action_is_quiet', j.topic, j.kafka_partition, j.kafka_offset,
        NOT (d.decision = 'no_further_action' AND d.decided_at < j.fact_at)
    FROM judged AS j JOIN decisions AS d USING (referral_id)
    WHERE j.fact IN ('referral-allocated', 'case-opened', 'assessment-started')
    UNION ALL
    SELECT
        'assessed_closure_has_assessment', j.topic, j.kafka_partition, j.kafka_offset,
        coalesce(a.assessed_at <= j.fact_at, false)
    FROM judged AS j LEFT JOIN assessed AS a USING (family_id)
    WHERE j.fact = 'case-closed' AND j.closure_reason IN ('RC8', 'RC9')
    UNION ALL
    SELECT 'death_closure_has_death', j.topic, j.kafka_partition, j.kafka_offset, d.family_id IS NOT NULL
    FROM judged AS j LEFT JOIN deaths AS d USING (family_id)
    WHERE j.fact = 'case-closed' AND j.closure_reason = 'RC2'
    UNION ALL
    SELECT 'assessment_follows_referral', j.topic, j.kafka_partition, j.kafka_offset, r.referred_at <= j.fact_at
    FROM judged AS j JOIN referrals AS r USING (referral_id)
    WHERE j.fact = 'assessment-started'
    UNION ALL
    SELECT 'completed_assessment_has_factors', j.topic, j.kafka_partition, j.kafka_offset, len(j.factors) > 0
    FROM judged AS j JOIN statutory USING (assessment_id)
    WHERE j.fact = 'assessment-completed'
    UNION ALL
    SELECT
        'referral_near_birth', r.topic, r.kafka_partition, r.kafka_offset,
        bool_and(r.fact_at >= p.born_on - INTERVAL 40 WEEKS)
    FROM referred AS r JOIN persons AS p USING (person_id)
    WHERE p.born_on IS NOT NULL GROUP BY ALL
    UNION ALL
    SELECT
        'referral_in_life', r.topic, r.kafka_partition, r.kafka_offset,
        bool_and(r.fact_at < p.died_on + INTERVAL 1 DAY)
    FROM referred AS r JOIN persons AS p USING (person_id)
    WHERE p.died_on IS NOT NULL GROUP BY ALL
)

SELECT
    expectation,
    coalesce(verdict, false) AS verdict,
    count(*) AS records,
    CASE WHEN NOT coalesce(verdict, false)
        THEN list((topic, kafka_partition, kafka_offset) ORDER BY topic, kafka_partition, kafka_offset)
    END AS places
FROM verdicts
GROUP BY expectation, coalesce(verdict, false)
ORDER BY expectation, verdict
