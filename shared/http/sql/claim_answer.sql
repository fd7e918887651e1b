-- One row comes back if the key is ours now: it is new, a day old, or its holder ended before it had an effect.
INSERT INTO idempotency_answers (account_id, path, key, fingerprint, claim)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, path, key) DO UPDATE
SET fingerprint = excluded.fingerprint,
    claim = excluded.claim,
    claimed_at = now(),
    took_effect = false,
    status = NULL,
    headers = NULL,
    body = NULL,
    contact_ids = NULL,
    blanked = false
WHERE idempotency_answers.claimed_at < now() - interval '24 hours'
   OR (
        idempotency_answers.status IS NULL
        AND NOT idempotency_answers.took_effect
        AND idempotency_answers.fingerprint = excluded.fingerprint
        AND idempotency_answers.claimed_at < now() - interval '2 minutes'
   )
RETURNING claim
