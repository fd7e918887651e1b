SELECT entry.key, contact.contact_id
FROM directory AS entry
JOIN contacts AS contact
    ON contact.account_id = entry.account_id
    AND contact.contact_id = entry.contact_id
    AND contact.external_id = entry.key
WHERE entry.account_id = $1 AND entry.kind = 'external' AND entry.key = ANY($2::text[])
