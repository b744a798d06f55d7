"""The watcher's state in tables: events, ids that were named together, alerts, deadlines, the outbox and offsets."""
