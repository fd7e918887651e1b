INSERT INTO click_counts AS counted (message_no, link_number, send_no, verdict, clicks)
SELECT * FROM unnest($1::integer[], $2::integer[], $3::integer[], $4::text[], $5::bigint[])
ON CONFLICT (message_no, link_number, send_no, verdict) DO UPDATE SET clicks = counted.clicks + excluded.clicks
