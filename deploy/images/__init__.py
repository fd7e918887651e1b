"""What containers run beside the services: secrets at the first start, topics, the key of delivery, health."""
