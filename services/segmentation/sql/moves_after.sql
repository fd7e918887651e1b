SELECT
    account_id,
    contact_id,
    (convert_from(body, 'UTF8')::json ->> 'segment_id')::uuid AS segment_id,
    type = 'penchant.SegmentEntered.v1' AS enters
FROM events
WHERE partition = $1 AND position > $2 AND topic = 'segmentation.memberships'
ORDER BY position
