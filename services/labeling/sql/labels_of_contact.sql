-- A probe per label of the account: the key of `assignments` begins with the label.
SELECT
    label.label_no, label.label_id, label.name,
    assignment.held, assignment.since, assignment.click_supports, assignment.supports,
    assignment.clicks, assignment.first_click, assignment.last_click
FROM labels AS label
JOIN assignments AS assignment ON assignment.label_no = label.label_no AND assignment.contact_id = $2
WHERE label.account_id = $1 AND label.state <> 'deleted'
ORDER BY label.label_no
