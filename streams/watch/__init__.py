"""The watcher: from an event on an input topic to an alert on the alerts topic."""
