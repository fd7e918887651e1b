-- Within the partition's lock nothing is being appended: the newest event is the one that memory has come to.
INSERT INTO member_positions (partition, position)
SELECT $1, coalesce(max(position), 0) FROM events WHERE partition = $1
ON CONFLICT (partition) DO UPDATE SET position = excluded.position
