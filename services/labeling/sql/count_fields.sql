SELECT count(*) FROM fields WHERE account_id = $1 AND state = 'active'
