SELECT account_id FROM accounts WHERE account_id = ANY($1::integer[])
