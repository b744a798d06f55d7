"""The rules on PostgreSQL: the compiled SQL of the models is translated, and an engine runs the translation."""
