SELECT * FROM fields WHERE account_id = $1 AND key = $2
