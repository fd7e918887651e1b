DELETE FROM backlog WHERE workflow_id = $1
