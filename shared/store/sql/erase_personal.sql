UPDATE events
SET personal = NULL
WHERE account_id = $1 AND contact_id = $2 AND personal IS NOT NULL
