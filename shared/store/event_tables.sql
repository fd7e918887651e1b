-- The partitions of the event table.

-- name: lock_event_tables
SELECT pg_advisory_xact_lock(:lock_class, 0)

-- name: last_position
SELECT last_value FROM events_position

-- name: event_tables
SELECT child.relname AS name
FROM pg_inherits
JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
WHERE pg_inherits.inhparent = 'events'::regclass
