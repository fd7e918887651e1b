SELECT topic, record_offset FROM held
WHERE consumer = $1 AND partition = $2 AND state IN ('failed', 'ready')
