"""The contracts: every event as a frozen model, every topic, and how both stand on Kafka."""
