SELECT DISTINCT partition FROM held WHERE consumer = $1 AND state = 'ready'
