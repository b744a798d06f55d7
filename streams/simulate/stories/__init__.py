"""The stories of families. Each module adds the facts of one kind of story to a borough."""
