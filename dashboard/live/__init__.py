"""Everything that changes while a page is open: latest alerts, freshness, health, and the events that tell browsers."""
