"""Referrals, case changes and escalations: from Kafka to alerts within a second and to figures within seconds."""
