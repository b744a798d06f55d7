"""
The pages that people look at. The server renders the pages from the lake and the alerts topic.

The server writes neither to the lake nor to the topic.

Each page has a module that turns rows of the marts into figures, and templates that show the figures. Only the command
line imports this package.
"""
