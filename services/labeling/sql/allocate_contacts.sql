UPDATE accounts SET last_contact_id = last_contact_id + $2 WHERE account_id = $1 RETURNING last_contact_id
