SELECT send_no, kind, id, sent_at FROM sends WHERE message_no = $1 ORDER BY sent_at, send_no
