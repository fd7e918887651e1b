SELECT message_id, account_id, message_no, version FROM messages WHERE message_id = ANY($1::uuid[])
