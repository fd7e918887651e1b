DELETE FROM assignment_history AS history
USING labels AS label
WHERE label.account_id = $1 AND history.label_no = label.label_no AND history.contact_id = $2
