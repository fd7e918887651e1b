"""The contracts: every event as a frozen model, every topic, and their representation in Kafka."""
