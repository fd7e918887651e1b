SELECT erased.account_id, erased.contact_id
FROM unnest($1::integer[], $2::bigint[]) AS contact (account_id, contact_id)
JOIN erased_contacts AS erased USING (account_id, contact_id)
