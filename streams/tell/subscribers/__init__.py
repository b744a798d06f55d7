"""For people and programs that act on alerts: the library, the ready consumers, and the view of an alert."""
