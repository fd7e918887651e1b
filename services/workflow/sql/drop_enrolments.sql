DELETE FROM enrolments WHERE workflow_id = $1
