SELECT facts FROM contacts WHERE projection = $1 AND account_id = $2 AND contact_id = $3
