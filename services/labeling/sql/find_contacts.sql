-- A directory entry counts only if its contact says the same: see domain/directory.py.
SELECT wanted.account_id, wanted.kind, wanted.key, contact.contact_id
FROM unnest($1::integer[], $2::text[], $3::text[]) AS wanted (account_id, kind, key)
JOIN directory AS entry USING (account_id, kind, key)
JOIN contacts AS contact ON contact.account_id = entry.account_id AND contact.contact_id = entry.contact_id
WHERE CASE wanted.kind WHEN 'email' THEN contact.email_key ELSE contact.external_id END = wanted.key
