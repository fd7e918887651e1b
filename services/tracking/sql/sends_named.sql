SELECT send_no FROM sends WHERE account_id = $1 AND id = $2
