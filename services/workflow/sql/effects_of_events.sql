SELECT event_id, run_id FROM effects WHERE event_id = ANY($1::uuid[])
