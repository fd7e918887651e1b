DELETE FROM link_labels WHERE link_id = ANY($1::uuid[])
