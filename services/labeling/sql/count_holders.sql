SELECT count(*) FROM assignments WHERE label_no = $1 AND held
