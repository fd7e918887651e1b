SELECT
    link.message_id, link.link_id, link.number, link.url, link.text, link.reason, link.present,
    array_remove(array_agg(label.label_id ORDER BY label.place), NULL) AS label_ids,
    array_remove(array_agg(label.label_name ORDER BY label.place), NULL) AS label_names,
    array_remove(array_agg(label.put_by ORDER BY label.place), NULL) AS labels_put_by
FROM links AS link
LEFT JOIN link_labels AS label ON label.link_id = link.link_id
WHERE link.message_id = ANY($1::uuid[])
GROUP BY link.link_id
ORDER BY link.message_id, link.number
