"""Whom an alert goes to: the routes, what is known about the family, and the working calendar."""
