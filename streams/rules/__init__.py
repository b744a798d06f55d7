"""The alert rules: dbt's compiled SQL, run unchanged in memory over the families that an event touches."""
