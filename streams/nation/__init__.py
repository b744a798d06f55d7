"""Build the marts of a nation: run the statements of a normal build on shards of the lake, on a Spark cluster."""
