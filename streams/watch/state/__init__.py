"""What the watcher knows, in tables: events, who belongs to whom, alerts, deadlines, what is to be sent, offsets."""
