-- People and their roles in accounts.

-- name: insert_person
INSERT INTO people (person_id, name, email, is_operator) VALUES (:person_id, :name, :email, :is_operator);

-- name: person_of_email
-- Returns the stored address: mail is sent to it, never to the typed one, which the database may only treat as equal.
SELECT person_id, email, language FROM people WHERE lower(email) = lower(:email);

-- name: local_operator
-- The person at the machine's own terminal: an operator without an address.
SELECT person_id FROM people WHERE is_operator AND email IS NULL ORDER BY created_at LIMIT 1;

-- name: update_preferences
UPDATE people SET name = :name, language = :language, theme = :theme WHERE person_id = :person_id;

-- name: put_membership
INSERT INTO memberships (person_id, account_id, role, key_id, api_key)
VALUES (:person_id, :account_id, :role, :key_id, :api_key)
ON CONFLICT (person_id, account_id) DO UPDATE
SET role = excluded.role, key_id = excluded.key_id, api_key = excluded.api_key;

-- name: memberships_of_person
SELECT account_id, role, key_id, api_key, created_at FROM memberships WHERE person_id = :person_id ORDER BY account_id;

-- name: membership
SELECT role, key_id, api_key, created_at
FROM memberships WHERE person_id = :person_id AND account_id = :account_id;

-- name: people_of_account
SELECT p.person_id, p.name, p.email, m.role, m.key_id, m.created_at, max(s.seen_at) AS seen_at
FROM memberships m
JOIN people p USING (person_id)
LEFT JOIN sessions s USING (person_id)
WHERE m.account_id = :account_id
GROUP BY p.person_id, p.name, p.email, m.role, m.key_id, m.created_at
ORDER BY p.name, p.person_id;

-- name: delete_membership
DELETE FROM memberships WHERE person_id = :person_id AND account_id = :account_id;

-- name: count_admins
SELECT count(*) FROM memberships WHERE account_id = :account_id AND role = 'admin';
