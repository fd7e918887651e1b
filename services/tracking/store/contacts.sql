-- Tracking's projection of contacts, and the held reports that name one.

-- name: contacts_that_matter
-- The named contacts that are unknown, merged, erased or must not be tracked.
SELECT
    named.account_id, named.contact_id, contact.state, contact.consent, contact.merged_into,
    coalesce(consent.given, true) AS tracked
FROM unnest(:account_ids::integer[], :contact_ids::bigint[]) AS named (account_id, contact_id)
LEFT JOIN contacts AS contact ON contact.account_id = named.account_id AND contact.contact_id = named.contact_id
CROSS JOIN LATERAL (
    SELECT contact.tracked AND (
        contact.consent IS NOT DISTINCT FROM 'granted' OR named.account_id <> ALL(:consent_required::integer[])
    ) AS given
) AS consent
WHERE contact.contact_id IS NULL OR contact.state <> 'active' OR NOT consent.given

-- name: contacts_of_email_digests
-- An address can move from one contact to another, and the two changes may arrive on different partitions. Of two
-- contacts that claim the address, the one with the later event has it.
SELECT named.account_id, named.digest, found.contact_id
FROM unnest(:account_ids::integer[], :digests::uuid[]) AS named (account_id, digest)
CROSS JOIN LATERAL (
    SELECT contact.contact_id
    FROM contacts AS contact
    WHERE contact.account_id = named.account_id AND contact.email_digest = named.digest
    ORDER BY contact.sequence DESC
    LIMIT 1
) AS found

-- name: contacts_of_external_digests
-- Like contacts_of_email_digests, by external id.
SELECT named.account_id, named.digest, found.contact_id
FROM unnest(:account_ids::integer[], :digests::uuid[]) AS named (account_id, digest)
CROSS JOIN LATERAL (
    SELECT contact.contact_id
    FROM contacts AS contact
    WHERE contact.account_id = named.account_id AND contact.external_digest = named.digest
    ORDER BY contact.sequence DESC
    LIMIT 1
) AS found

-- name: digests_of_contacts
SELECT contact.account_id, name.kind, name.digest
FROM unnest(:account_ids::integer[], :contact_ids::bigint[]) AS wanted (account_id, contact_id)
JOIN contacts AS contact USING (account_id, contact_id)
CROSS JOIN LATERAL (VALUES ('email', contact.email_digest), ('external', contact.external_digest)) AS name (kind, digest)
WHERE name.digest IS NOT NULL

-- name: write_contacts
-- A contact that is erased stays erased.
INSERT INTO contacts AS contact (
    account_id, contact_id, state, tracked, consent, merged_into, email_digest, external_digest, sequence
)
SELECT
    changed.account_id, changed.contact_id, changed.state, changed.consent <> 'denied', changed.consent,
    changed.merged_into, changed.email_digest, changed.external_digest, changed.sequence
FROM unnest(
    :account_id::integer[], :contact_id::bigint[], :state::text[], :consent::text[], :merged_into::bigint[],
    :email_digest::uuid[], :external_digest::uuid[], :sequence::bigint[]
) AS changed (account_id, contact_id, state, consent, merged_into, email_digest, external_digest, sequence)
ON CONFLICT (account_id, contact_id) DO UPDATE SET
    state = excluded.state,
    tracked = excluded.tracked,
    consent = excluded.consent,
    merged_into = excluded.merged_into,
    email_digest = excluded.email_digest,
    external_digest = excluded.external_digest,
    sequence = excluded.sequence
WHERE contact.state <> 'erased'

-- name: contact_news
SELECT partition, batches FROM contact_news

-- name: count_contact_news
INSERT INTO contact_news AS counted (partition, batches)
SELECT partition, 1 FROM unnest(:partitions::smallint[]) AS changed (partition) ORDER BY partition
ON CONFLICT (partition) DO UPDATE SET batches = counted.batches + 1

-- name: drop_held_that_name
DELETE FROM held WHERE state = 'waiting' AND waits_for && :keys::text[]

-- name: does_any_click_wait
SELECT EXISTS (SELECT FROM held WHERE state = 'waiting' AND topic = 'intake.clicks')

-- name: keys_waited_for
-- Reads a limited number of held clicks after a given one, because there may be very many.
SELECT waiting.id, waited.key
FROM (
    SELECT id, waits_for FROM held
    WHERE state = 'waiting' AND topic = 'intake.clicks' AND id > :after
    ORDER BY id
    LIMIT :most
) AS waiting
LEFT JOIN LATERAL unnest(waiting.waits_for) AS waited (key) ON waited.key NOT LIKE 'names:%'
ORDER BY waiting.id
