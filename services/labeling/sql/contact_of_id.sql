SELECT * FROM contacts WHERE account_id = $1 AND contact_id = $2
