"""Kafka: the topics, and clients to read and write them."""
