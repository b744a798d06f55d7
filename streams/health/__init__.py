"""Find out whether each part works, from Kafka, the lake, and the signs of life of the part itself."""
