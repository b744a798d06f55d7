"""Finds the recipients of an alert from the routes, from facts about the family, and from the working hours."""
