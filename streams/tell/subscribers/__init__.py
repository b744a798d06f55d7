"""For those who act on alerts: the library, the ready consumers, and the view of an alert."""
