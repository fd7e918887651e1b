-- Claims of idempotency keys, and the first answers.

-- name: claim_answer
-- Returns one row if the claim holds the key now: the key is new, a day old, or its holder ended before it had an
-- effect.
INSERT INTO idempotency_answers (account_id, path, key, fingerprint, claim)
VALUES (:account_id, :path, :key, :fingerprint, :claim)
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

-- name: find_answer
SELECT fingerprint, took_effect, status, headers, body, blanked,
       claimed_at < now() - interval '2 minutes' AS is_abandoned
FROM idempotency_answers
WHERE account_id = :account_id AND path = :path AND key = :key

-- name: mark_effect
-- In the transaction of the effect: from now on the request is never carried out again.
UPDATE idempotency_answers SET took_effect = true
WHERE account_id = :account_id AND path = :path AND key = :key AND claim = :claim

-- name: keep_answer
UPDATE idempotency_answers SET status = :status, headers = :headers, body = :body, contact_ids = :contact_ids
WHERE account_id = :account_id AND path = :path AND key = :key AND claim = :claim

-- name: keep_without_body
UPDATE idempotency_answers SET status = :status, headers = NULL, body = NULL, contact_ids = NULL, blanked = true
WHERE account_id = :account_id AND path = :path AND key = :key AND claim = :claim

-- name: release_claim
DELETE FROM idempotency_answers
WHERE account_id = :account_id AND path = :path AND key = :key AND claim = :claim AND NOT took_effect

-- name: forget_answers
DELETE FROM idempotency_answers WHERE claimed_at < now() - interval '24 hours'

-- name: blank_answers
-- contact_ids is null if the contacts of the answer are unknown. Sorted, because others may erase concurrently.
WITH spoken AS (
    SELECT account_id, path, key
    FROM idempotency_answers
    WHERE account_id = :account_id AND status IS NOT NULL AND NOT blanked
      AND (contact_ids IS NULL OR contact_ids && :contact_ids::bigint[])
    ORDER BY path, key
    FOR UPDATE
)
UPDATE idempotency_answers AS answer SET body = NULL, headers = NULL, blanked = true
FROM spoken
WHERE (answer.account_id, answer.path, answer.key) = (spoken.account_id, spoken.path, spoken.key)
