"""What changes while a page is open: latest alerts, freshness and health. Events tell browsers about changes."""
