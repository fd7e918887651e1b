-- contact_ids is null where it is not known of whom the answer speaks. In order: others erase at the same moment.
WITH spoken AS (
    SELECT account_id, path, key
    FROM idempotency_answers
    WHERE account_id = $1 AND status IS NOT NULL AND NOT blanked
      AND (contact_ids IS NULL OR contact_ids && $2::bigint[])
    ORDER BY path, key
    FOR UPDATE
)
UPDATE idempotency_answers AS answer SET body = NULL, headers = NULL, blanked = true
FROM spoken
WHERE (answer.account_id, answer.path, answer.key) = (spoken.account_id, spoken.path, spoken.key)
