SELECT contact.*
FROM unnest($1::integer[], $2::bigint[]) AS wanted (account_id, contact_id)
JOIN contacts AS contact USING (account_id, contact_id)
