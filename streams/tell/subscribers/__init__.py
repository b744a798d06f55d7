"""Deliver alerts to people and programs that act on them: library, ready consumers, and view of an alert."""
