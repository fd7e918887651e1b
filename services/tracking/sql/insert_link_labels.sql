INSERT INTO link_labels (link_id, place, label_id, label_name, put_by)
SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::text[], $5::text[])
