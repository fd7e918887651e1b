-- A probe per label of the account: the key of the table begins with the label.
DELETE FROM assignments AS assignment
USING labels AS label
WHERE label.account_id = $1 AND assignment.label_no = label.label_no AND assignment.contact_id = $2
