-- Sorted, as everybody locks these rows, so that no two wait for each other.
SELECT entry.kind, entry.key, entry.contact_id
FROM directory AS entry
JOIN unnest($2::text[], $3::text[]) AS wanted (kind, key) USING (kind, key)
WHERE entry.account_id = $1
ORDER BY entry.kind, entry.key
FOR UPDATE OF entry
