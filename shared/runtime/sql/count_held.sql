SELECT count(*) FROM held WHERE $1::text IS NULL OR state = $1
