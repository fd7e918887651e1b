DELETE FROM held WHERE state = 'waiting' AND waits_for && $1::text[]
