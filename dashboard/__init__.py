"""
The pages: what people look at, server-rendered, from the lake and the alerts topic, and written to neither.

One module a page turns rows of the marts into figures; templates show them. Nothing imports this package but the
command line.
"""
