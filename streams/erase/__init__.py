"""Forget a family or a person: remove what the lake, the topics and the other stores hold about them."""
