DELETE FROM idempotency_answers WHERE claimed_at < now() - interval '24 hours'
