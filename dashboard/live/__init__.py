"""What changes while a page is open: the latest alerts, freshness, health, and the events sent to browsers."""
