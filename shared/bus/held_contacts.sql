-- Contacts with held records. Records at or above the checkpoint will be read again: an older version of the consumer
-- held them.

-- name: failed_contacts
SELECT DISTINCT held.topic, held.account_id, held.contact_id
FROM held
JOIN checkpoints AS checkpoint USING (consumer, topic, partition)
WHERE held.consumer = :consumer AND held.partition = :partition AND held.topic = ANY(:topics::text[])
  AND held.state IN ('failed', 'ready') AND held.contact_id IS NOT NULL
  AND checkpoint.version = :version AND checkpoint.cluster_id = (SELECT cluster_id FROM bound_cluster)
  AND held.record_offset < checkpoint.next_offset

-- name: undecided_records
SELECT held.id, held.topic, held.record_offset
FROM held
JOIN checkpoints AS checkpoint USING (consumer, topic, partition)
WHERE held.consumer = :consumer AND held.partition = :partition AND held.topic = ANY(:topics::text[])
  AND held.state IN ('failed', 'ready') AND held.contact_id IS NOT NULL
  AND checkpoint.version = :version AND checkpoint.cluster_id = (SELECT cluster_id FROM bound_cluster)
  AND held.record_offset >= checkpoint.next_offset

-- name: count_failed
SELECT count(*)
FROM held
WHERE consumer = :consumer AND partition = :partition AND topic = ANY(:topics::text[]) AND state = 'failed'

-- name: held_among
-- Which of these contacts still have held records of the topic.
SELECT DISTINCT held.topic, held.account_id, held.contact_id
FROM held
JOIN unnest(:topics::text[], :account_ids::integer[], :contact_ids::bigint[]) AS asked (topic, account_id, contact_id)
    USING (topic, account_id, contact_id)
WHERE held.consumer = :consumer AND held.state IN ('failed', 'ready')

-- name: forget_records
DELETE FROM held WHERE id = ANY(:ids::bigint[])
