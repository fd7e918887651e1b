INSERT INTO standings (partition, account_id, segment_id, adopted, pending_definition, pending_time)
SELECT $1, fresh.*
FROM unnest($2::int[], $3::uuid[], $4::bytea[], $5::bytea[], $6::bytea[])
    AS fresh (account_id, segment_id, adopted, pending_definition, pending_time)
ON CONFLICT (partition, segment_id) DO UPDATE SET
    adopted = excluded.adopted,
    pending_definition = excluded.pending_definition,
    pending_time = excluded.pending_time
