SELECT message_no FROM messages WHERE account_id = $1 AND message_id = $2
