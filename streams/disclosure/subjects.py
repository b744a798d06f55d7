"""What is published, subject by subject: a public table, what its figures are made of, and how these add up."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from streams.disclosure.cafs import CafPiece, cafs_system
from streams.disclosure.cells import System
from streams.disclosure.referrals import Piece, referrals_system

__all__ = ["SUBJECTS", "Subject"]

_REFERRALS = """
    WITH places AS (
        SELECT DISTINCT ward_code, area_code FROM marts.analytics.dim_area WHERE authority_code = $authority
    ),
    sources AS (SELECT DISTINCT source_group FROM marts.reference.referral_sources)
    SELECT
        places.ward_code, places.area_code, $quarter::DATE, sources.source_group,
        count(referred.referral_child_id), count(*) FILTER (referred.is_dfe_re_referral),
        count(*) FILTER (referred.is_nfa)
    FROM places
    CROSS JOIN sources
    INNER JOIN marts.analytics.dim_area AS areas
        ON areas.authority_code = $authority
        AND areas.ward_code = places.ward_code AND areas.area_code = places.area_code
    LEFT JOIN marts.analytics.fct_referrals AS referred
        ON referred.authority_code = areas.authority_code AND referred.lsoa_code = areas.lsoa_code
        AND referred.source_group = sources.source_group AND referred.is_dfe_referral
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
    A table of `public`.

    `kept` names the table of `released` that holds its pieces, in the order of `piece`; `pieces` reads those of a
    quarter from the marts. Subjects do not add up with each other, so each is protected by itself.
    `rated` is the measure that is also said per 10,000 children.
    """

    table: str
    kept: str
    piece: Callable[..., tuple]
    pieces: str
    system: Callable[[str, Iterable[tuple]], System]
    rated: str


SUBJECTS = (
    Subject(
        table="referrals",
        kept="pieces",
        piece=Piece,
        pieces=_REFERRALS,
        system=referrals_system,
        rated="referrals",
    ),
    Subject(table="cafs", kept="caf_pieces", piece=CafPiece, pieces=_CAFS, system=cafs_system, rated="cafs"),
)
"""Every subject."""
