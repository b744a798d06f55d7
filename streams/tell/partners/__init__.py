"""Share alerts with partners: the sharing policy, the consent that it needs, and the notices that are sent."""
