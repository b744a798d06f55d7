"""The rules on PostgreSQL: a program derives their text from the compiled SQL of the models, and an engine runs it."""
