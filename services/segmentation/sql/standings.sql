SELECT account_id, segment_id, adopted, pending_definition, pending_time, members
FROM standings WHERE partition = $1
