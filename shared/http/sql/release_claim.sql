DELETE FROM idempotency_answers
WHERE account_id = $1 AND path = $2 AND key = $3 AND claim = $4 AND NOT took_effect
