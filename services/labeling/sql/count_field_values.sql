SELECT count(*) FROM contacts WHERE account_id = $1 AND fields ? $2
