INSERT INTO accounts (name, time_zone) VALUES ($1, $2) RETURNING account_id
