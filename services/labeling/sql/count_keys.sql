SELECT count(*) FROM api_keys WHERE account_id = $1
