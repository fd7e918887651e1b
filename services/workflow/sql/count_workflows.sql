SELECT count(*) FROM workflows WHERE account_id = $1 AND state <> 'deleted'
