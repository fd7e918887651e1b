-- The places, in what is given, of the clicks that were not seen before. Inserted in order: two batches that share
-- clicks then wait for each other instead of deadlocking.
WITH named AS MATERIALIZED (
    SELECT account_id, source_no, key, min(place) AS place
    FROM unnest($1::integer[], $2::integer[], $3::uuid[]) WITH ORDINALITY AS named (account_id, source_no, key, place)
    GROUP BY account_id, source_no, key
),
inserted AS (
    INSERT INTO click_seen (account_id, source_no, key)
    SELECT account_id, source_no, key FROM named ORDER BY account_id, source_no, key
    ON CONFLICT DO NOTHING
    RETURNING account_id, source_no, key
)
SELECT coalesce(array_agg(place ORDER BY place), '{}')
FROM named JOIN inserted USING (account_id, source_no, key)
