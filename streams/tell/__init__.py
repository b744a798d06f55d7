"""Inform people and systems that do not read the alerts topics themselves: subscribers, partners and referrers."""
