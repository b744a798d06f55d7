"""The life of an alert: its versions, how people handle it, whom it goes to, and the topics that carry it."""
