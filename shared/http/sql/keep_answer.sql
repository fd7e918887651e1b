UPDATE idempotency_answers SET status = $5, headers = $6, body = $7, contact_ids = $8
WHERE account_id = $1 AND path = $2 AND key = $3 AND claim = $4
