"""What is killed, stopped, delivered twice or poisoned, and what must be true afterwards."""
