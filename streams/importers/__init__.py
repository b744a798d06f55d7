"""Councils' own files as events on the topics."""
