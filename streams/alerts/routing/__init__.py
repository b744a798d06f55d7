"""The recipients of an alert, found from the routes, facts about the family, and the working calendar."""
