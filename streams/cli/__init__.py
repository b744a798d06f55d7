"""The command line: one module a verb, wiring only."""
