"""The pages. Each module turns rows into the figures of one page, or of a part of a page."""
