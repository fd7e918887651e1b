SELECT
    link_number, send_no, verdict, sum(clicks)::bigint AS clicks,
    grouping(link_number) = 0 AS of_link, grouping(send_no) = 0 AS of_send
FROM click_counts
WHERE message_no = $1
GROUP BY GROUPING SETS ((verdict), (verdict, link_number), (verdict, send_no))
