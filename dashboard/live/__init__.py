"""Everything that changes while a page is open: latest alerts, freshness, health, and events sent to browsers."""
