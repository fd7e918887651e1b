UPDATE standings SET members = fresh.members
FROM unnest($2::uuid[], $3::bytea[]) AS fresh (segment_id, members)
WHERE standings.partition = $1 AND standings.segment_id = fresh.segment_id
