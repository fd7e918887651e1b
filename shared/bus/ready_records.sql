-- Held records that have been released.

-- name: ready_records
-- Without row locks, because the locks of partition numbers come first. `forget_ready` checks whether they still exist.
SELECT
    held.id, held.topic, held.partition, held.record_offset, held.key, held.value, held.headers, held.held_at
FROM held
JOIN checkpoints AS checkpoint USING (consumer, topic, partition)
WHERE held.consumer = :consumer AND held.partition = ANY(:partitions::smallint[]) AND held.topic = ANY(:topics::text[])
  AND held.state = 'ready'
  AND checkpoint.version = :version AND checkpoint.cluster_id = (SELECT cluster_id FROM bound_cluster)
  AND held.record_offset < checkpoint.next_offset
ORDER BY held.id
LIMIT :most

-- name: forget_ready
DELETE FROM held
USING (
    SELECT id FROM held WHERE id = ANY(:ids::bigint[]) AND state = 'ready' ORDER BY id FOR UPDATE
) AS applied
WHERE held.id = applied.id

-- name: fail_ready
-- A contact's later records of the topic are not applied before the one that fails.
UPDATE held
SET state = 'failed',
    reason = CASE WHEN held.id = failing.id THEN :reason ELSE :reason_of_later END
FROM held AS failing
WHERE failing.id = ANY(:ids::bigint[])
  AND (
        held.id = failing.id
        OR (
            held.state = 'ready' AND held.id > failing.id
            AND held.consumer = failing.consumer AND held.topic = failing.topic
            AND held.account_id = failing.account_id AND held.contact_id = failing.contact_id
        )
  )

-- name: release_later
-- Records held behind an earlier record of the contact that no longer exists, because it was applied or deleted.
UPDATE held
SET state = 'ready'
FROM (
    SELECT later.id
    FROM held AS later
    WHERE later.consumer = :consumer AND later.partition = ANY(:partitions::smallint[])
      AND later.topic = ANY(:topics::text[])
      AND later.state = 'failed' AND later.reason = :reason_of_later
      AND NOT EXISTS (
            SELECT FROM held AS earlier
            WHERE earlier.consumer = later.consumer AND earlier.topic = later.topic
              AND earlier.account_id = later.account_id AND earlier.contact_id = later.contact_id
              AND earlier.state IN ('failed', 'ready') AND earlier.reason <> :reason_of_later AND earlier.id < later.id
      )
    ORDER BY later.id
    FOR UPDATE OF later
) AS released
WHERE held.id = released.id

-- name: partitions_with_ready_records
SELECT DISTINCT partition FROM held WHERE consumer = :consumer AND state = 'ready'
