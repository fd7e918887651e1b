-- The table of segments: name and criterion, in the API's form.

-- name: insert_segment
INSERT INTO segments (segment_id, account_id, name, version, criterion, created_at, changed_at)
VALUES (:segment_id, :account_id, :name, 1, :criterion::jsonb, :created_at, :created_at)

-- name: change_segment
UPDATE segments SET name = :name, version = version + 1, criterion = :criterion::jsonb, changed_at = :changed_at
WHERE account_id = :account_id AND segment_id = :segment_id

-- name: delete_segment
DELETE FROM segments WHERE account_id = :account_id AND segment_id = :segment_id

-- name: segment
SELECT segment_id, name, version, criterion, created_at, changed_at
FROM segments WHERE account_id = :account_id AND segment_id = :segment_id

-- name: segments_of_account
SELECT segment_id, name, version, criterion, created_at, changed_at
FROM segments WHERE account_id = :account_id
ORDER BY segment_id

-- name: page_of_segments
SELECT segment_id, name, version, criterion, created_at, changed_at
FROM segments
WHERE account_id = :account_id AND (:after::uuid IS NULL OR segment_id > :after)
ORDER BY segment_id
LIMIT :limit

-- name: count_segments
SELECT count(*) FROM segments WHERE account_id = :account_id
