"""Kafka: the topics and how to talk to them."""
