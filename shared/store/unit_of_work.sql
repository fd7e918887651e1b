-- Statements of a unit of work besides its events.

-- name: lock_partitions
-- One after another in ascending order, as in every transaction, so that there is no deadlock. An intake batch needs
-- them all.
SELECT pg_advisory_xact_lock(:lock_class, wanted.number)
FROM (SELECT number FROM unnest(:partitions::integer[]) AS number ORDER BY number OFFSET 0) AS wanted

-- name: erase_personal
UPDATE events
SET personal = NULL
WHERE account_id = :account_id AND contact_id = :contact_id AND personal IS NOT NULL
