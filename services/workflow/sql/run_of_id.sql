SELECT * FROM runs WHERE run_id = $1 AND account_id = $2
