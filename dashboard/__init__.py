"""
The pages that people look at. The server makes them from the lake and the alerts topic, and writes to neither.

Each page has a module that turns rows of the marts into figures, and templates that show the figures. Only the command
line imports this package.
"""
