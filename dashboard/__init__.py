"""
The pages that people look at. The server renders them from the lake and the alerts topic, and writes to neither.

One module for each page turns rows of the marts into figures, and templates show them. Only the command line imports
this package.
"""
