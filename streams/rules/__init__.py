"""The alert rules: dbt's compiled SQL, and the engines that run it on the events of some families."""
