"""The marts of a nation: the build's own statements on shards of the lake, spread over a Spark cluster."""
