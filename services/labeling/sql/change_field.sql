UPDATE fields SET name = $3, choices = $4, state = $5 WHERE account_id = $1 AND key = $2 RETURNING *
