-- name: insert_account
INSERT INTO accounts (name, time_zone) VALUES (:name, :time_zone) RETURNING account_id

-- name: account_of_id
SELECT account_id, name, time_zone, state, settings, created_at FROM accounts WHERE account_id = :account_id

-- name: accounts_among
SELECT account_id FROM accounts WHERE account_id = ANY(:account_ids::integer[]) AND state = 'active'

-- name: list_accounts
SELECT account_id, name, time_zone, state, settings, created_at FROM accounts
WHERE account_id > :after
ORDER BY account_id
LIMIT :limit

-- name: count_accounts
SELECT count(*) FROM (SELECT FROM accounts ORDER BY account_id LIMIT :most) AS counted

-- name: update_account
UPDATE accounts SET name = :name, time_zone = :time_zone, state = :state, settings = :settings
WHERE account_id = :account_id

-- name: active_keys
SELECT key_id FROM api_keys WHERE account_id = :account_id AND revoked_at IS NULL

-- name: insert_key
INSERT INTO api_keys (key_id, account_id, name, scopes, hash)
VALUES (:key_id, :account_id, :name, :scopes, :hash)
RETURNING *

-- name: revoke_key
UPDATE api_keys SET revoked_at = COALESCE(revoked_at, :at)
WHERE account_id IS NOT DISTINCT FROM :account_id::integer AND key_id = :key_id
RETURNING *

-- name: keys_of_account
SELECT * FROM api_keys
WHERE account_id IS NOT DISTINCT FROM :account_id::integer AND (:after::uuid IS NULL OR key_id > :after)
ORDER BY key_id
LIMIT :limit

-- name: count_keys
SELECT count(*) FROM api_keys WHERE account_id IS NOT DISTINCT FROM :account_id::integer
