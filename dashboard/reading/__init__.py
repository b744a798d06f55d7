"""Read what the pages show from the lake: marts and published figures."""
