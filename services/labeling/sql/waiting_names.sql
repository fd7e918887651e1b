SELECT DISTINCT name FROM held, unnest(waits_for) AS name WHERE consumer = $1 AND state = 'waiting'
