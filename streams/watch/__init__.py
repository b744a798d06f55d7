"""The watcher, which evaluates events as they arrive, and raises and publishes alerts."""
