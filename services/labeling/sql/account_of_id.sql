SELECT account_id, name, time_zone, created_at FROM accounts WHERE account_id = $1
