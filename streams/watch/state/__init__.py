"""The watcher's state in tables: events, ids named together, alerts, deadlines, the outbox and offsets."""
