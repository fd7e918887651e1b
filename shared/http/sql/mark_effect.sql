-- Inside the transaction of the effect: from now on the request is never carried out again.
UPDATE idempotency_answers SET took_effect = true
WHERE account_id = $1 AND path = $2 AND key = $3 AND claim = $4
