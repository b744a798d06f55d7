"""The stories of families. Each module writes the facts of one kind of story into a borough."""
