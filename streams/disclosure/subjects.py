"""
The published subjects. Each has a public table, counts behind its figures, and rules about which figures are sums of
others.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from streams.disclosure.cafs import CafPiece, cafs_system
from streams.disclosure.cells import System
from streams.disclosure.keys import PublicKey
from streams.disclosure.referrals import Piece, referrals_system

__all__ = ["SUBJECTS", "Subject"]

_REFERRALS = """
    WITH counted AS (
        SELECT facts.*
        FROM marts.analytics.fct_referrals AS facts
        SEMI JOIN marts.analytics.int_covered_sources AS covered
            ON covered.kind = 'social_care' AND covered.authority_code = facts.authority_code
            AND covered.source = facts.event_source
            AND facts.referred_on BETWEEN covered.covers_from AND covered.covers_to
        WHERE facts.is_dfe_referral
    ),
    history AS (
        SELECT count(*) = 3 AS is_covered
        FROM marts.analytics.int_period_coverage
        WHERE authority_code = $authority AND period_kind = 'month' AND rests_on = 're_referrals'
            AND period_start >= $quarter::DATE AND period_start < $quarter::DATE + INTERVAL 3 MONTHS
    ),
    places AS (
        SELECT DISTINCT ward_code, area_code FROM marts.analytics.dim_area WHERE authority_code = $authority
    ),
    sources AS (SELECT DISTINCT source_group FROM marts.reference.referral_sources)
    SELECT
        places.ward_code, places.area_code, $quarter::DATE, sources.source_group,
        count(referred.referral_child_id),
        if(any_value(history.is_covered), count(*) FILTER (referred.is_dfe_re_referral), NULL),
        count(*) FILTER (referred.is_nfa)
    FROM places
    CROSS JOIN sources
    CROSS JOIN history
    INNER JOIN marts.analytics.dim_area AS areas
        ON areas.authority_code = $authority
        AND areas.ward_code = places.ward_code AND areas.area_code = places.area_code
    LEFT JOIN counted AS referred
        ON referred.authority_code = areas.authority_code AND referred.lsoa_code = areas.lsoa_code
        AND referred.source_group = sources.source_group
        AND date_trunc('quarter', referred.referred_on) = $quarter::DATE
    GROUP BY ALL
"""
_CAFS = """
    WITH counted AS (
        SELECT authority_code, lsoa_code, number
        FROM marts.analytics.int_need_counts
        WHERE counted = 'cafs' AND date_trunc('quarter', happened_on) = $quarter::DATE
    )
    SELECT ward_code, area_code, $quarter::DATE, coalesce(sum(number), 0)::INTEGER
    FROM marts.analytics.dim_area
    LEFT JOIN counted USING (authority_code, lsoa_code)
    WHERE authority_code = $authority
    GROUP BY ALL
"""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """
    One published subject. No published total combines figures of different subjects, so each subject is protected
    separately.

    Attributes:
        table: the subject's table in `public`.
        kept: the subject's table in `released`, with the pieces behind the figures.
        piece: makes a piece from a row. The row's columns are in the order of the piece's fields.
        pieces: the query that reads the pieces of a quarter from the marts.
        system: makes the figures from the pieces.
        rated: the measure that is also published as a rate per 10,000 children.
        rests_on: the kind of figures that must be covered.
    """

    table: str
    kept: str
    piece: Callable[..., tuple[Any, ...]]
    pieces: str
    system: Callable[[str, Iterable[Any]], System[PublicKey]]
    rated: str
    rests_on: str


SUBJECTS = (
    Subject(
        table="referrals",
        kept="pieces",
        piece=Piece,
        pieces=_REFERRALS,
        system=referrals_system,
        rated="referrals",
        rests_on="social_care",
    ),
    Subject(
        table="cafs",
        kept="caf_pieces",
        piece=CafPiece,
        pieces=_CAFS,
        system=cafs_system,
        rated="cafs",
        rests_on="early_help",
    ),
)
"""All subjects."""
