"""What the watcher knows, in tables: events, ids named together, alerts, deadlines, the outbox and offsets."""
