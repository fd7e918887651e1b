-- Members of segments, as bitmaps.

-- name: members
SELECT segment_id, partition, members FROM segment_members
WHERE (segment_id, partition) IN (SELECT * FROM unnest(:segment_ids::uuid[], :partitions::smallint[]))

-- name: members_of_segment
SELECT partition, members FROM segment_members WHERE account_id = :account_id AND segment_id = :segment_id

-- name: write_members
INSERT INTO segment_members AS stored (segment_id, partition, account_id, name, members)
SELECT *
FROM unnest(
    :segment_ids::uuid[], :partitions::smallint[], :account_ids::integer[], :names::text[], :members::bytea[]
)
ON CONFLICT (segment_id, partition) DO UPDATE SET name = excluded.name, members = excluded.members
