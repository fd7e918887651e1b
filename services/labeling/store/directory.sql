-- name: lock_entries
-- Rows are always locked in sorted order, so that transactions do not deadlock.
SELECT entry.kind, entry.key, entry.contact_id
FROM directory AS entry
JOIN unnest(:kinds::text[], :keys::text[]) AS wanted (kind, key) USING (kind, key)
WHERE entry.account_id = :account_id
ORDER BY entry.kind, entry.key
FOR UPDATE OF entry

-- name: owners_of_entries
-- The keys that these contacts have. A separate statement after the lock, to see changes of the transaction that held
-- it.
SELECT contact_id, external_id, email_key
FROM contacts
WHERE account_id = :account_id AND contact_id = ANY(:contact_ids::bigint[])

-- name: allocate_contacts
UPDATE accounts SET last_contact_id = last_contact_id + :count
WHERE account_id = :account_id
RETURNING last_contact_id

-- name: move_entries
UPDATE directory AS entry SET contact_id = moved.contact_id
FROM unnest(:kinds::text[], :keys::text[], :contact_ids::bigint[]) AS moved (kind, key, contact_id)
WHERE entry.account_id = :account_id AND entry.kind = moved.kind AND entry.key = moved.key

-- name: insert_entries
INSERT INTO directory (account_id, kind, key, contact_id)
SELECT :account_id, entry.kind, entry.key, entry.contact_id
FROM unnest(:kinds::text[], :keys::text[], :contact_ids::bigint[]) AS entry (kind, key, contact_id)
ORDER BY entry.kind, entry.key
ON CONFLICT DO NOTHING
RETURNING kind, key

-- name: delete_entries
DELETE FROM directory AS entry
USING unnest(:kinds::text[], :keys::text[], :contact_ids::bigint[]) AS given_up (kind, key, contact_id)
WHERE entry.account_id = :account_id
    AND entry.kind = given_up.kind
    AND entry.key = given_up.key
    AND entry.contact_id = given_up.contact_id

-- name: find_contacts
-- An entry counts only if its contact has the key: see domain/directory.py.
SELECT wanted.account_id, wanted.kind, wanted.key, contact.contact_id
FROM unnest(:account_ids::integer[], :kinds::text[], :keys::text[]) AS wanted (account_id, kind, key)
JOIN directory AS entry USING (account_id, kind, key)
JOIN contacts AS contact ON contact.account_id = entry.account_id AND contact.contact_id = entry.contact_id
WHERE CASE wanted.kind WHEN 'email' THEN contact.email_key ELSE contact.external_id END = wanted.key

-- name: awaited_names
SELECT DISTINCT name FROM held, unnest(waits_for) AS name WHERE consumer = :consumer AND state = 'waiting'

-- name: reserve_entry
INSERT INTO directory (account_id, kind, key, contact_id) VALUES (:account_id, :kind, :key, 0) ON CONFLICT DO NOTHING

-- name: owner_of_entry
SELECT contact_id FROM directory WHERE account_id = :account_id AND kind = :kind AND key = :key
