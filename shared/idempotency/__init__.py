"""Requests with an `Idempotency-Key`: claims, the answers kept for repetitions, and how an erasure blanks them."""
