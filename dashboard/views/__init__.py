"""The pages themselves: one module a page, or a part of one, turns rows into figures."""
