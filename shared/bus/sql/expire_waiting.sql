UPDATE held SET state = 'dead' WHERE state = 'waiting' AND expires_at < now()
