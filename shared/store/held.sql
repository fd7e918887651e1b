-- Records that cannot be applied now.

-- name: hold_records
INSERT INTO held (
    consumer, topic, partition, record_offset, key, value, headers,
    account_id, contact_id, state, reason, waits_for, held_at, expires_at
)
SELECT
    record.consumer, record.topic, record.partition, record.record_offset, record.key, record.value, record.headers,
    record.account_id, record.contact_id, record.state, record.reason,
    string_to_array(record.waits_for, E'\n'), record.held_at, record.expires_at
FROM unnest(
    :consumers::text[], :topics::text[], :partitions::smallint[], :offsets::bigint[],
    :keys::bytea[], :values::bytea[], :headers::bytea[], :account_ids::integer[], :contact_ids::bigint[],
    :states::text[], :reasons::text[], :waits_for::text[], :held_at::timestamptz[], :expires_at::timestamptz[]
) WITH ORDINALITY AS record (
    consumer, topic, partition, record_offset, key, value, headers,
    account_id, contact_id, state, reason, waits_for, held_at, expires_at, ordinality
)
ORDER BY record.ordinality

-- name: notify_held
SELECT pg_notify('held', '')

-- name: release_records
-- In the order of their ids, which is the order of locks of held rows.
UPDATE held
SET state = 'ready'
FROM (
    SELECT id FROM held WHERE state = 'waiting' AND waits_for && :waits_for::text[] ORDER BY id FOR UPDATE
) AS released
WHERE held.id = released.id

-- name: forget_contacts
-- Deletes records of erased contacts that any consumer of the service holds.
DELETE FROM held
USING (
    SELECT held.id
    FROM held
    JOIN unnest(:account_ids::integer[], :contact_ids::bigint[]) AS erased (account_id, contact_id)
        USING (account_id, contact_id)
    ORDER BY held.id
    FOR UPDATE OF held
) AS forgotten
WHERE held.id = forgotten.id

-- name: release_failed
-- A contact's records of a topic are always released together, from the first one on.
UPDATE held
SET state = 'ready'
FROM (
    SELECT id
    FROM held
    WHERE state = 'failed'
      AND (:topic::text IS NULL OR topic = :topic)
      AND (:account_id::integer IS NULL OR account_id = :account_id)
      AND (:contact_id::bigint IS NULL OR contact_id = :contact_id)
    ORDER BY id
    FOR UPDATE
) AS released
WHERE held.id = released.id
