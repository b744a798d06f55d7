"""What partners are told of alerts: the sharing policy, the consent it asks for, and the notices that leave."""
