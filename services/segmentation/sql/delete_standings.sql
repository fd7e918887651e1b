DELETE FROM standings WHERE partition = $1 AND segment_id = ANY($2::uuid[])
