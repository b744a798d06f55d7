"""Build the marts for a whole nation: Spark runs the statements of a normal build on shards of the lake."""
