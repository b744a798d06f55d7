"""The tables of published figures, and the tables of the counts behind them."""

__all__ = ["COMMENTS", "TABLES"]

TABLES = """
    CREATE SCHEMA IF NOT EXISTS marts.released;
    CREATE TABLE IF NOT EXISTS marts.released.pieces (
        authority_code VARCHAR, ward VARCHAR, area VARCHAR, quarter_starts_on DATE, source_group VARCHAR,
        referrals INTEGER, re_referrals INTEGER, nfa INTEGER
    );
    CREATE TABLE IF NOT EXISTS marts.released.caf_pieces (
        authority_code VARCHAR, ward VARCHAR, area VARCHAR, quarter_starts_on DATE, cafs INTEGER
    );
    CREATE TABLE IF NOT EXISTS marts.released.beginnings (
        authority_code VARCHAR, begins_on DATE, confirmed_at TIMESTAMP, confirmed_by VARCHAR, why VARCHAR
    );
    CREATE SCHEMA IF NOT EXISTS marts.public;
    CREATE TABLE IF NOT EXISTS marts.public.releases (
        authority_code VARCHAR, quarter_starts_on DATE, released_at TIMESTAMP, figures INTEGER, withheld INTEGER
    );
    CREATE TABLE IF NOT EXISTS marts.public.referrals (
        authority_code VARCHAR, area_level VARCHAR, area_code VARCHAR, period VARCHAR, period_starts_on DATE,
        measure VARCHAR, "count" INTEGER, symbol VARCHAR
    );
    ALTER TABLE marts.public.referrals ADD COLUMN IF NOT EXISTS children DOUBLE;
    ALTER TABLE marts.public.referrals ADD COLUMN IF NOT EXISTS rate_per_10000 DOUBLE;
    CREATE TABLE IF NOT EXISTS marts.public.cafs (
        authority_code VARCHAR, area_level VARCHAR, area_code VARCHAR, period VARCHAR, period_starts_on DATE,
        measure VARCHAR, "count" INTEGER, symbol VARCHAR, children DOUBLE, rate_per_10000 DOUBLE
    );
    CREATE TABLE IF NOT EXISTS marts.public.measures (
        source_table VARCHAR, measure VARCHAR, title VARCHAR, unit VARCHAR, numerator VARCHAR, caveat VARCHAR,
        source VARCHAR
    );
    CREATE TABLE IF NOT EXISTS marts.public.places (
        authority_code VARCHAR, authority_name VARCHAR, area_code VARCHAR, area_name VARCHAR, ward_code VARCHAR,
        ward_name VARCHAR
    );
"""
"""
SQL that creates the tables. Published tables are in the schema `public`. The schema `released` is for the desk only.
"""

COMMENTS = {
    "releases": "A quarter of an authority, and when it was published. It never changes afterwards.",
    "referrals": "A published figure. Symbol c: withheld, since it is 1 to 5 or would reveal such a count. 0 is shown.",
    "cafs": "A published figure about CAFs and early help assessments, as in referrals.",
    "measures": "What each measure counts.",
    "places": "Wards and areas. A ward may lie in two areas.",
}
"""The comment on each public table in the published file."""
