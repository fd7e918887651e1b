DELETE FROM clicks WHERE click_id = ANY($1::uuid[])
