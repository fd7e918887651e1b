-- name: assignments_of_pairs
SELECT
    assignment.label_no, assignment.contact_id,
    assignment.since, assignment.click_supports, assignment.supports,
    assignment.clicks, assignment.first_click, assignment.last_click, assignment.withdrawn_by_self,
    assignment.removed_at
FROM unnest(:label_nos::integer[], :contact_ids::bigint[]) AS pair (label_no, contact_id)
JOIN assignments AS assignment USING (label_no, contact_id)

-- name: labels_given_back
-- Labels that were merged into those that contacts get back, so that a merge in progress does not remove these again.
SELECT pair.label_no, pair.contact_id, array_agg(source.label_id ORDER BY source.label_no) AS label_ids
FROM unnest(:label_nos::integer[], :contact_ids::bigint[]) AS pair (label_no, contact_id)
JOIN labels AS source ON source.merged_into = pair.label_no
WHERE NOT EXISTS (
    SELECT FROM assignments AS kept
    WHERE kept.label_no = source.label_no AND kept.contact_id = pair.contact_id AND kept.withdrawn_by_self
)
GROUP BY pair.label_no, pair.contact_id

-- name: confirm_assignments
-- By far the most frequent change: further clicks on a held label.
UPDATE assignments AS assignment
SET
    click_supports = assignment.click_supports + confirmed.clicks,
    clicks = assignment.clicks + confirmed.clicks,
    last_click = confirmed.last_click
FROM unnest(:label_nos::integer[], :contact_ids::bigint[], :clicks::integer[], :last_clicks::timestamptz[])
    AS confirmed (label_no, contact_id, clicks, last_click)
WHERE assignment.label_no = confirmed.label_no AND assignment.contact_id = confirmed.contact_id

-- name: update_assignments
UPDATE assignments AS assignment
SET
    since = changed.since,
    click_supports = changed.click_supports,
    supports = changed.supports,
    clicks = changed.clicks,
    first_click = changed.first_click,
    last_click = changed.last_click,
    withdrawn_by_self = changed.withdrawn_by_self,
    removed_at = changed.removed_at
FROM unnest(
    :label_nos::integer[], :contact_ids::bigint[], :since::timestamptz[], :click_supports::integer[],
    :supports::jsonb[], :clicks::integer[], :first_clicks::timestamptz[], :last_clicks::timestamptz[],
    :withdrawn_by_self::boolean[], :removed_at::timestamptz[]
) AS changed (
    label_no, contact_id, since, click_supports, supports, clicks, first_click, last_click, withdrawn_by_self,
    removed_at
)
WHERE assignment.label_no = changed.label_no AND assignment.contact_id = changed.contact_id

-- name: labels_of_contact
-- One probe per label of the account: the key of `assignments` begins with the label.
SELECT
    label.label_no, label.label_id, label.name,
    assignment.held, assignment.since, assignment.click_supports, assignment.supports,
    assignment.clicks, assignment.first_click, assignment.last_click
FROM labels AS label
JOIN assignments AS assignment ON assignment.label_no = label.label_no AND assignment.contact_id = :contact_id
WHERE label.account_id = :account_id AND label.state <> 'deleted'
ORDER BY label.label_no

-- name: holders_of_label
SELECT
    assignment.contact_id, contact.external_id, contact.email,
    assignment.since, assignment.clicks, assignment.first_click, assignment.last_click
FROM assignments AS assignment
JOIN contacts AS contact ON contact.account_id = :account_id AND contact.contact_id = assignment.contact_id
WHERE assignment.label_no = :label_no AND assignment.held AND assignment.contact_id > :after
ORDER BY assignment.contact_id
LIMIT :limit

-- name: count_holders
SELECT count(*) FROM assignments WHERE label_no = :label_no AND held

-- name: delete_assignments_of_label
WITH piece AS (
    SELECT label_no, contact_id FROM assignments
    WHERE label_no = :label_no AND contact_id > :after AND (:account_id + contact_id) % :partitions = :partition
    ORDER BY contact_id
    LIMIT :limit
)
DELETE FROM assignments AS assignment
USING piece
WHERE assignment.label_no = piece.label_no AND assignment.contact_id = piece.contact_id
RETURNING assignment.contact_id, assignment.held

-- name: contacts_of_label
SELECT contact_id FROM assignments
WHERE label_no = :label_no AND contact_id > :after AND (:account_id + contact_id) % :partitions = :partition
ORDER BY contact_id
LIMIT :limit

-- name: count_assignments
SELECT count(*) FROM assignments WHERE label_no = :label_no

-- name: delete_pairs
DELETE FROM assignments WHERE label_no = :label_no AND contact_id = ANY(:contact_ids::bigint[])
