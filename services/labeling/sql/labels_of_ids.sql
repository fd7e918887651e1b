SELECT * FROM labels WHERE label_id = ANY($1::uuid[])
