SELECT count(*) FROM contacts WHERE projection = $1 AND account_id = $2 AND segments && $3::uuid[]
