"""The watcher: it evaluates events as they arrive, and raises and publishes alerts."""
