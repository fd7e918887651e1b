SELECT count(*) FROM held WHERE consumer = $1 AND partition = $2 AND topic = ANY($3::text[]) AND state = 'failed'
