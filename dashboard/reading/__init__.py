"""Read from the lake what the pages show: marts and published figures."""
