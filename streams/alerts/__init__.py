"""Alerts: their versions, how people handle them, their recipients, and the topics that carry them."""
