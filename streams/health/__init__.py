"""How each part does: what Kafka and the lake show of its work, what it says of itself, and the verdict."""
