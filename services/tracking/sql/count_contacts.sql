SELECT
    link_number, send_no, count(DISTINCT contact_id) AS contacts,
    grouping(link_number) = 0 AS of_link, grouping(send_no) = 0 AS of_send
FROM clicks
WHERE message_no = $1 AND verdict = 'human'
GROUP BY GROUPING SETS ((), (link_number), (send_no))
