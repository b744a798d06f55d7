"""The pages. Each module makes the figures of one page, or of a part of a page."""
