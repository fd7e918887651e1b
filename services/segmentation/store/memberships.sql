-- The announced members of each segment in a slice, the pending ones, and the day of each slice. The membership events
-- are the truth; `members` only avoids reading all of them.

-- name: slice_days
SELECT account_id, day FROM slice_days WHERE partition = :partition

-- name: write_slice_days
-- Days never go back.
INSERT INTO slice_days (partition, account_id, day)
SELECT :partition, fresh.account_id, fresh.day
FROM unnest(:accounts::int[], :days::date[]) AS fresh (account_id, day)
ON CONFLICT (partition, account_id) DO UPDATE SET day = greatest(slice_days.day, excluded.day)

-- name: memberships
SELECT account_id, segment_id, adopted, pending_definition, pending_time, members, broken
FROM standings WHERE partition = :partition

-- name: write_memberships
INSERT INTO standings (partition, account_id, segment_id, adopted, pending_definition, pending_time, broken)
SELECT :partition, fresh.*
FROM
    unnest(
        :accounts::int[], :segments::uuid[], :adopted::bytea[], :pending_definition::bytea[], :pending_time::bytea[],
        :broken::boolean[]
    ) AS fresh (account_id, segment_id, adopted, pending_definition, pending_time, broken)
ON CONFLICT (partition, segment_id) DO UPDATE SET
    adopted = excluded.adopted,
    pending_definition = excluded.pending_definition,
    pending_time = excluded.pending_time,
    broken = excluded.broken

-- name: delete_memberships
DELETE FROM standings WHERE partition = :partition AND segment_id = ANY(:segments::uuid[])

-- name: write_members
UPDATE standings SET members = fresh.members
FROM unnest(:segments::uuid[], :members::bytea[]) AS fresh (segment_id, members)
WHERE standings.partition = :partition AND standings.segment_id = fresh.segment_id

-- name: member_position
SELECT coalesce((SELECT position FROM member_positions WHERE partition = :partition), 0)

-- name: move_member_position
-- Under the partition's lock nothing is appended, so the newest event is the last one that memory includes.
INSERT INTO member_positions (partition, position)
SELECT :partition, coalesce(max(position), 0) FROM events WHERE partition = :partition
ON CONFLICT (partition) DO UPDATE SET position = excluded.position

-- name: moves_after
-- Entries and exits after a position. `enters` is null for an unknown version, which must not be read as another one.
-- Events with other names do not concern members.
SELECT
    account_id,
    contact_id,
    (convert_from(body, 'UTF8')::json ->> 'segment_id')::uuid AS segment_id,
    type,
    CASE type WHEN 'penchant.SegmentEntered.v1' THEN true WHEN 'penchant.SegmentLeft.v1' THEN false END AS enters
FROM events
WHERE
    partition = :partition AND position > :position AND topic = 'segmentation.memberships'
    AND split_part(type, '.', 2) IN ('SegmentEntered', 'SegmentLeft')
ORDER BY position
