INSERT INTO labels (label_id, account_id, name, name_key, description, visibility)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING *
