INSERT INTO links AS link (link_id, message_id, number, url, text, reason, present)
SELECT found.link_id, $1, found.number, found.url, found.text, found.reason, found.present
FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::boolean[])
    AS found (link_id, number, url, text, reason, present)
ON CONFLICT (link_id) DO UPDATE SET reason = excluded.reason, present = excluded.present
