UPDATE held SET state = 'ready' WHERE state = 'waiting' AND waits_for && $1::text[]
