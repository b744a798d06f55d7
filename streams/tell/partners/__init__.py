"""Share alerts with partners: the sharing policy, the families' consent, and the notices that are sent."""
