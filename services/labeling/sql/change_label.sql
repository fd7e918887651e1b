UPDATE labels
SET
    name = $3,
    name_key = $4,
    description = $5,
    visibility = $6,
    aliases = $7,
    alias_keys = $8,
    state = $9,
    changed_at = $10
WHERE account_id = $1 AND label_id = $2
RETURNING *
