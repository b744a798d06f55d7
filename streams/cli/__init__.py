"""The command line: one module for each command. A module only connects options with the code that does the work."""
