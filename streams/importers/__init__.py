"""Read councils' own files and send their contents as events."""
