UPDATE held SET state = 'failed', reason = $2 WHERE id = ANY($1::bigint[])
