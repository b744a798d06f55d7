"""Read data for the pages from the lake: marts and published figures."""
