-- contact_ids is null where it is not known of whom the answer speaks.
UPDATE idempotency_answers SET body = NULL, headers = NULL, blanked = true
WHERE account_id = $1 AND status IS NOT NULL AND NOT blanked
  AND (contact_ids IS NULL OR contact_ids && $2::bigint[])
