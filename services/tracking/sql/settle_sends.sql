INSERT INTO sends AS known (account_id, message_no, kind, id, sent_at)
SELECT account_id, message_no, kind, id, min(sent_at)
FROM unnest($1::integer[], $2::integer[], $3::text[], $4::text[], $5::timestamptz[])
    AS named (account_id, message_no, kind, id, sent_at)
GROUP BY account_id, message_no, kind, id
ORDER BY message_no, kind, id
ON CONFLICT (message_no, kind, id) DO UPDATE SET sent_at = least(known.sent_at, excluded.sent_at)
RETURNING send_no, message_no, kind, id
