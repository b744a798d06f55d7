"""Inform people and systems beyond the alerts topics: subscribers, partners and referrers."""
