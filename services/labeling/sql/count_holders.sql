SELECT count(*) FROM assignments WHERE account_id = $1 AND label_no = $2 AND held
