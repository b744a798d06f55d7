"""Find out whether each part works, from Kafka, from the lake, and from what the part reports about itself."""
