"""Who is told outside the alerts topics: subscribers, partners and referrers."""
