"""Find out whether each part works. Ask Kafka and the lake, and read what the part reports about itself."""
