-- The statistics of a message.

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

-- name: periods
-- Clicks and contacts by day or hour of the account's time zone, in total and by link; `unit` is 'day' or 'hour'.
SELECT
    date_trunc(:unit, occurred_at, :time_zone) AS since, link_number, grouping(link_number) = 0 AS of_link,
    count(*) FILTER (WHERE verdict = 'human') AS human,
    count(*) FILTER (WHERE verdict = 'machine') AS machine,
    count(*) FILTER (WHERE verdict = 'unsure') AS unsure,
    count(DISTINCT contact_id) FILTER (WHERE verdict = 'human') AS contacts
FROM clicks
WHERE message_no = :message_no AND occurred_at >= :since AND occurred_at < :until
    AND (
        :send_id::text IS NULL
        OR send_no IN (SELECT send_no FROM sends WHERE message_no = :message_no AND id = :send_id)
    )
GROUP BY GROUPING SETS ((1), (1, link_number))
ORDER BY 1, 2
LIMIT :most

-- name: sends_of_message
SELECT send_no, kind, id, sent_at FROM sends WHERE message_no = :message_no ORDER BY sent_at, send_no
