"""Requests with an `Idempotency-Key`: claims, stored answers for repetitions, and how an erasure blanks these."""
