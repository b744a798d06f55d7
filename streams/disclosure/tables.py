"""The tables of what is published, and of what it is made of."""

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
"""Public ones in `public`, the desk's own in `released`."""

COMMENTS = {
    "releases": "A quarter of an authority and when it was published; it does not change afterwards.",
    "referrals": "A published figure. symbol c: withheld, it is 1 to 5 or would give such a figure away; 0 is shown.",
    "cafs": "A published figure of CAFs and early help assessments, as in referrals.",
    "measures": "What each measure is.",
    "places": "Wards and areas; a ward may lie in two areas.",
}
"""What each public table is, as the file says it."""
