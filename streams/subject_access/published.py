"""Count the published figures in which a person or family is counted."""

import duckdb

from streams.subject_access.subject import Subject

__all__ = ["count_figures"]

# A referral counts in figures of the authority, of its area and of its ward, for the quarter and for the year.
_FIGURES = """
    WITH counted AS (
        SELECT
            authority_code, lsoa_code, referred_on,
            unnest(['referrals', 'source_' || lower(source_group)] || if(is_dfe_re_referral, ['re_referrals'], [])
                || if(is_nfa, ['nfa'], [])) AS measure
        FROM marts.analytics.fct_referrals
        WHERE is_dfe_referral AND list_contains($ids, {column})
    ),
    placed AS (
        SELECT counted.*, unnest([counted.authority_code, areas.area_code, areas.ward_code]) AS place
        FROM counted
        INNER JOIN marts.analytics.dim_area AS areas USING (authority_code, lsoa_code)
    )
    SELECT count(*) FROM (
        SELECT DISTINCT figures.area_level, figures.area_code, figures.period, figures.period_starts_on, figures.measure
        FROM marts.public.referrals AS figures
        INNER JOIN placed
            ON placed.place = figures.area_code AND placed.measure = figures.measure
            AND placed.referred_on >= figures.period_starts_on
            AND placed.referred_on < figures.period_starts_on
                + if(figures.period = 'year', INTERVAL 1 YEAR, INTERVAL 3 MONTH)
    )
"""


def count_figures(lake: duckdb.DuckDBPyConnection, subject: Subject) -> int | None:
    """
    Return the number of published figures on referrals that include the subject, as far as the newest marts show.

    Figures on CAFs are counted by family and place only, so they are not included.

    Returns:
        The number; None if nothing has been published yet.
    """
    column = {"person": "child_id", "family": "family_id"}[subject.kind]
    try:
        found = lake.execute(_FIGURES.format(column=column), {"ids": list(subject.ids)}).fetchone()
    except duckdb.CatalogException:
        return None
    return found[0] if found else None
