-- Entries into and exits from segments: the announced events themselves, which are kept for ever.

-- name: membership_changes
-- Newest first. A segment is searched in the bodies of the account's changes within the requested time.
-- CASE hides the conditions from the planner: it has no statistics about them, would expect a handful of rows, and
-- would read and sort all changes of the time instead of following the index until the page is full.
SELECT change.occurred_at, change.event_id, change.contact_id, change.enters, change.segment_id, change.reason
FROM (
    SELECT
        occurred_at,
        event_id,
        contact_id,
        split_part(type, '.', 2) = 'SegmentEntered' AS enters,
        (convert_from(body, 'UTF8')::json ->> 'segment_id')::uuid AS segment_id,
        convert_from(body, 'UTF8')::json ->> 'reason' AS reason
    FROM events
    WHERE
        topic = 'segmentation.memberships'
        AND account_id = :account_id
        AND occurred_at >= :since
        AND (occurred_at, event_id) < (:before, :before_id)
        AND CASE WHEN split_part(type, '.', 2) IN ('SegmentEntered', 'SegmentLeft') THEN true ELSE false END
) AS change
WHERE
    CASE
        WHEN
            (:segment_id::uuid IS NULL OR change.segment_id = :segment_id)
            AND (:enters::boolean IS NULL OR change.enters = :enters)
            THEN true
        ELSE false
    END
ORDER BY change.occurred_at DESC, change.event_id DESC
LIMIT :limit
