-- name: contacts_of_ids
SELECT contact.*
FROM unnest(:account_ids::integer[], :contact_ids::bigint[]) AS wanted (account_id, contact_id)
JOIN contacts AS contact USING (account_id, contact_id)

-- name: contact_of_id
SELECT * FROM contacts WHERE account_id = :account_id AND contact_id = :contact_id

-- name: contacts_of_account
SELECT * FROM contacts
WHERE account_id = :account_id AND contact_id > :after AND (:only::bigint IS NULL OR contact_id = :only)
ORDER BY contact_id
LIMIT :limit

-- name: contacts_with_label
SELECT contact.*
FROM assignments AS assignment
JOIN contacts AS contact ON contact.account_id = :account_id AND contact.contact_id = assignment.contact_id
WHERE assignment.label_no = :label_no
    AND assignment.held
    AND assignment.contact_id > :after
    AND (:only::bigint IS NULL OR assignment.contact_id = :only)
ORDER BY assignment.contact_id
LIMIT :limit

-- name: contacts_with_field
SELECT contact_id FROM contacts
WHERE account_id = :account_id
    AND fields ? :key
    AND contact_id > :after
    AND (:account_id + contact_id) % :partitions = :partition
ORDER BY contact_id
LIMIT :limit

-- name: contacts_of_partition
SELECT contact_id FROM contacts
WHERE account_id = :account_id AND contact_id > :after AND (:account_id + contact_id) % :partitions = :partition
ORDER BY contact_id
LIMIT :limit

-- name: count_field_values
SELECT count(*) FROM contacts WHERE account_id = :account_id AND fields ? :key

-- name: erased_among
SELECT erased.account_id, erased.contact_id
FROM unnest(:account_ids::integer[], :contact_ids::bigint[]) AS contact (account_id, contact_id)
JOIN erased_contacts AS erased USING (account_id, contact_id)

-- name: write_contacts
INSERT INTO contacts AS contact (
    account_id, contact_id, external_id, email, email_key, fields,
    subscription, tracking_consent, source, language, subscription_by, consent_by, created_at, changed_at
)
SELECT
    row.account_id, row.contact_id, row.external_id, row.email, row.email_key, row.fields,
    row.subscription, row.tracking_consent, row.source, row.language,
    row.subscription_by, row.consent_by, row.created_at, :at
FROM unnest(
    :account_ids::integer[], :contact_ids::bigint[], :external_ids::text[], :emails::text[], :email_keys::text[],
    :fields::jsonb[], :subscriptions::text[], :tracking_consents::text[], :sources::text[], :languages::text[],
    :subscription_by::text[], :consent_by::text[], :created_at::timestamptz[]
) AS row (
    account_id, contact_id, external_id, email, email_key, fields,
    subscription, tracking_consent, source, language, subscription_by, consent_by, created_at
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
    subscription_by = excluded.subscription_by,
    consent_by = excluded.consent_by,
    changed_at = excluded.changed_at
