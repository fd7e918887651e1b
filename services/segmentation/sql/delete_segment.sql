DELETE FROM segments WHERE account_id = $1 AND segment_id = $2
