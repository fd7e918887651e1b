INSERT INTO phases (workflow_id, number, since, state, version)
SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4 FROM phases WHERE workflow_id = $1
