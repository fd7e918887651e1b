INSERT INTO contacts AS contact (
    account_id, contact_id, external_id, email, email_key, fields,
    subscription, tracking_consent, source, language, created_at, changed_at
)
SELECT
    row.account_id, row.contact_id, row.external_id, row.email, row.email_key, row.fields,
    row.subscription, row.tracking_consent, row.source, row.language, $11, $11
FROM unnest(
    $1::integer[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::jsonb[],
    $7::text[], $8::text[], $9::text[], $10::text[]
) AS row (
    account_id, contact_id, external_id, email, email_key, fields,
    subscription, tracking_consent, source, language
)
ON CONFLICT (account_id, contact_id) DO UPDATE SET
    external_id = excluded.external_id,
    email = excluded.email,
    email_key = excluded.email_key,
    fields = excluded.fields,
    subscription = excluded.subscription,
    tracking_consent = excluded.tracking_consent,
    source = excluded.source,
    language = excluded.language,
    changed_at = excluded.changed_at
