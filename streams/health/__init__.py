"""Find out whether each part works, from what Kafka and the lake show and from the part's own sign of life."""
