-- The numbers of a message.

-- name: count_clicks
SELECT
    link_number, send_no, verdict, sum(clicks)::bigint AS clicks,
    grouping(link_number) = 0 AS of_link, grouping(send_no) = 0 AS of_send
FROM click_counts
WHERE message_no = :message_no
GROUP BY GROUPING SETS ((verdict), (verdict, link_number), (verdict, send_no))

-- name: count_contacts
SELECT
    link_number, send_no, count(DISTINCT contact_id) AS contacts,
    grouping(link_number) = 0 AS of_link, grouping(send_no) = 0 AS of_send
FROM clicks
WHERE message_no = :message_no AND verdict = 'human'
GROUP BY GROUPING SETS ((), (link_number), (send_no))

-- name: sends_of_message
SELECT send_no, kind, id, sent_at FROM sends WHERE message_no = :message_no ORDER BY sent_at, send_no
