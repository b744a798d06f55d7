"""The command line: one module for each command. A module only passes options to the code that does the work."""
