SELECT fingerprint, took_effect, status, headers, body, blanked,
       claimed_at < now() - interval '2 minutes' AS is_abandoned
FROM idempotency_answers
WHERE account_id = $1 AND path = $2 AND key = $3
