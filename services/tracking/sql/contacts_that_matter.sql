-- Of the contacts named, those that are not simply there: unknown, merged, erased, or not to be tracked.
SELECT named.account_id, named.contact_id, contact.state, contact.tracked, contact.merged_into
FROM unnest($1::integer[], $2::bigint[]) AS named (account_id, contact_id)
LEFT JOIN contacts AS contact ON contact.account_id = named.account_id AND contact.contact_id = named.contact_id
WHERE contact.contact_id IS NULL OR contact.state <> 'active' OR NOT contact.tracked
