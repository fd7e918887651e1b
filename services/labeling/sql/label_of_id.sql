SELECT * FROM labels WHERE account_id = $1 AND label_id = $2
