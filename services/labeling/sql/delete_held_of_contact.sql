DELETE FROM held WHERE (account_id = $1 AND contact_id = $2) OR waits_for && $3::text[]
