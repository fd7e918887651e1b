"""Programs for containers besides the services: secrets, databases and topics, the key of delivery, health checks."""
