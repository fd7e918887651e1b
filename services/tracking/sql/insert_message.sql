INSERT INTO messages (message_id, account_id, name, revision, version, created_at, changed_at)
VALUES ($1, $2, $3, 0, 0, $4, $4)
