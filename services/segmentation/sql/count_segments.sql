SELECT count(*) FROM segments WHERE account_id = $1
