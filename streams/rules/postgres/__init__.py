"""The rules on PostgreSQL: the compiled SQL of the models, derived mechanically, and an engine that runs it."""
