-- name: insert_mails
INSERT INTO mails (
    account_id, idempotency_key, contact_id, test_address, message_id, system, send, campaign_id, revision, content,
    expires_at, requested_at, state, next_attempt_at
)
SELECT
    account_id, idempotency_key, contact_id, test_address, message_id, system, send, campaign_id, revision, content,
    expires_at, requested_at, 'queued', requested_at
FROM unnest(
    :account_ids::int[], :idempotency_keys::text[], :contact_ids::bigint[], :test_addresses::text[],
    :message_ids::uuid[], :systems::jsonb[], :sends::jsonb[], :campaign_ids::uuid[], :revisions::int[],
    :contents::jsonb[], :expiries::timestamptz[], :request_times::timestamptz[]
) AS request (
    account_id, idempotency_key, contact_id, test_address, message_id, system, send, campaign_id, revision, content,
    expires_at, requested_at
)
ON CONFLICT (account_id, idempotency_key) DO NOTHING

-- name: claim_mails
-- Several processes claim different mails; mails of a process that has ended are free when the claim expires.
UPDATE mails SET claim = :claim, claimed_until = now() + :lease
WHERE id IN (
    SELECT id FROM mails
    WHERE state = 'queued' AND next_attempt_at <= now() AND (claimed_until IS NULL OR claimed_until < now())
    ORDER BY next_attempt_at, id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
RETURNING id, account_id, idempotency_key, contact_id, test_address, message_id, system, send, campaign_id, revision,
    content, expires_at, attempts

-- name: begin_mail
-- Committed before the mail is handed over: after a crash in between, it is unknown whether the mail was sent. Returns
-- the contact's present address and subscription.
UPDATE mails AS mail SET state = 'begun', attempts = attempts + 1, claimed_until = now() + :lease
FROM (SELECT 1) AS one
LEFT JOIN contacts AS contact ON contact.account_id = :account_id AND contact.contact_id = :contact_id
WHERE mail.id = :id AND mail.claim = :claim AND mail.state = 'queued'
RETURNING contact.email, contact.subscription

-- name: end_mail
UPDATE mails SET state = :state, reason = :reason, ended_at = now(), claim = NULL, claimed_until = NULL, test_address = NULL
WHERE id = :id AND claim = :claim AND state IN ('queued', 'begun')

-- name: retry_mail
UPDATE mails SET state = 'queued', reason = :reason, next_attempt_at = :at, claim = NULL, claimed_until = NULL
WHERE id = :id AND claim = :claim AND state IN ('queued', 'begun')

-- name: end_uncertain
UPDATE mails SET state = 'uncertain', reason = 'interrupted', ended_at = now(), claim = NULL, claimed_until = NULL,
    test_address = NULL
WHERE state = 'begun' AND claimed_until < now()

-- name: repeat_uncertain
UPDATE mails SET state = 'queued', reason = 'interrupted', claim = NULL, claimed_until = NULL, next_attempt_at = now()
WHERE state = 'begun' AND claimed_until < now()

-- name: not_reported
SELECT id, account_id, idempotency_key, contact_id, message_id, send, state, reason, ended_at FROM mails
WHERE NOT reported AND ended_at IS NOT NULL
ORDER BY id
LIMIT :limit

-- name: note_reported
UPDATE mails SET reported = true WHERE id = ANY(:ids::bigint[])

-- name: forget_contacts
-- Of an erased contact's mails only their existence is kept.
UPDATE mails SET reason = NULL, content = '{}', system = NULL
FROM unnest(:account_ids::int[], :contact_ids::bigint[]) AS gone (account_id, contact_id)
WHERE mails.account_id = gone.account_id AND mails.contact_id = gone.contact_id

-- name: forget_old
DELETE FROM mails WHERE id IN (
    SELECT id FROM mails
    WHERE reported AND ended_at < now() - :kept::interval
    ORDER BY ended_at
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
