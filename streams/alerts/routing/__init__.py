"""Who gets an alert: routes as data, what is known about the family, and the working calendar."""
