-- name: write_contacts
INSERT INTO contacts (account_id, contact_id, email, subscription, language, fields)
SELECT * FROM unnest(
    :account_ids::int[], :contact_ids::bigint[], :emails::text[], :subscriptions::text[], :languages::text[], :fields::jsonb[]
)
ON CONFLICT (account_id, contact_id) DO UPDATE SET
    email = excluded.email, subscription = excluded.subscription, language = excluded.language, fields = excluded.fields

-- name: delete_contacts
DELETE FROM contacts
WHERE (account_id, contact_id) IN (SELECT * FROM unnest(:account_ids::int[], :contact_ids::bigint[]))

-- name: contacts_of_ids
SELECT contact_id, email, subscription, language, fields FROM contacts
WHERE account_id = :account_id AND contact_id = ANY(:contact_ids::bigint[])
