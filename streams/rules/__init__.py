"""The alert rules: the SQL that dbt compiled, and the engines that run this SQL on the events of some families."""
