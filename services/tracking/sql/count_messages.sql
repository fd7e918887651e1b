SELECT count(*) FROM messages WHERE account_id = $1
