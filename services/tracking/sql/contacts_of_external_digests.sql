-- Of two that claim the same one (it moved, and the news come by different partitions) the one told later has it.
SELECT named.account_id, named.digest, found.contact_id
FROM unnest($1::integer[], $2::uuid[]) AS named (account_id, digest)
CROSS JOIN LATERAL (
    SELECT contact.contact_id
    FROM contacts AS contact
    WHERE contact.account_id = named.account_id AND contact.external_digest = named.digest
    ORDER BY contact.sequence DESC
    LIMIT 1
) AS found
