"""What the pages read from the lake: marts and published figures."""
