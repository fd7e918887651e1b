INSERT INTO contacts AS contact (
    account_id, contact_id, state, tracked, merged_into, email_digest, external_digest, sequence
)
SELECT told.account_id, told.contact_id, told.state, told.tracked, told.merged_into,
    told.email_digest, told.external_digest, told.sequence
FROM unnest(
    $1::integer[], $2::bigint[], $3::text[], $4::boolean[], $5::bigint[], $6::uuid[], $7::uuid[], $8::bigint[]
) AS told (account_id, contact_id, state, tracked, merged_into, email_digest, external_digest, sequence)
ON CONFLICT (account_id, contact_id) DO UPDATE SET
    state = excluded.state,
    tracked = excluded.tracked,
    merged_into = excluded.merged_into,
    email_digest = excluded.email_digest,
    external_digest = excluded.external_digest,
    sequence = excluded.sequence
WHERE contact.state <> 'erased'
