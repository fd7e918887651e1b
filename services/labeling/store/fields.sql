-- name: fields_of_accounts
SELECT account_id, key, name, type, choices FROM fields
WHERE account_id = ANY(:account_ids::integer[]) AND state = 'active'

-- name: fields_of_account
SELECT * FROM fields
WHERE account_id = :account_id AND state = 'active' AND (:after::text IS NULL OR key > :after)
ORDER BY key
LIMIT :limit

-- name: count_fields
SELECT count(*) FROM fields WHERE account_id = :account_id AND state = 'active'

-- name: field_of_key
SELECT * FROM fields WHERE account_id = :account_id AND key = :key AND state = 'active'

-- name: insert_field
INSERT INTO fields (account_id, key, name, type, choices) VALUES (:account_id, :key, :name, :type, :choices)
ON CONFLICT DO NOTHING

-- name: update_field
UPDATE fields SET name = :name, choices = :choices, state = :state WHERE account_id = :account_id AND key = :key

-- name: delete_field
DELETE FROM fields WHERE account_id = :account_id AND key = :key AND state = 'deleted'
