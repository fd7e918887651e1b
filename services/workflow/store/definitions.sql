-- name: lock_definitions
-- While this is held, no events are processed, so that every event is clearly before or after the change.
SELECT pg_advisory_xact_lock(:lock_class, 0)

-- name: next_revision
UPDATE revision SET number = number + 1 RETURNING number, clock_timestamp() AS at

-- name: workflows_since
-- Workflows that changed after revision :revision, with every version and every phase.
SELECT
    w.workflow_id,
    w.account_id,
    (
        SELECT json_agg(json_build_object('version', d.version, 'body', d.body::json) ORDER BY d.version)
        FROM definitions d
        WHERE d.workflow_id = w.workflow_id
    ) AS versions,
    (
        SELECT json_agg(
            json_build_object('since', p.since, 'state', p.state, 'version', p.version) ORDER BY p.number
        )
        FROM phases p
        WHERE p.workflow_id = w.workflow_id
    ) AS phases
FROM workflows w
WHERE w.revision > :revision

-- name: workflow
SELECT w.workflow_id, w.account_id, w.name, w.version, w.state, w.created_at, w.changed_at, d.body
FROM workflows w
JOIN definitions d ON d.workflow_id = w.workflow_id AND d.version = w.version
WHERE w.workflow_id = :workflow_id AND w.account_id = :account_id AND w.state <> 'deleted'

-- name: workflows_listed
SELECT w.workflow_id, w.account_id, w.name, w.version, w.state, w.created_at, w.changed_at, d.body
FROM workflows w
JOIN definitions d ON d.workflow_id = w.workflow_id AND d.version = w.version
WHERE w.account_id = :account_id AND w.state <> 'deleted' AND w.workflow_id > :after
ORDER BY w.workflow_id
LIMIT :limit

-- name: count_workflows
SELECT count(*) FROM workflows WHERE account_id = :account_id AND state <> 'deleted'

-- name: bodies
SELECT version, body FROM definitions WHERE workflow_id = :workflow_id ORDER BY version

-- name: versions_page
-- Newest first. Definitions are large, so one page is read at a time.
SELECT version, body, created_at
FROM definitions
WHERE workflow_id = :workflow_id AND version < :before
ORDER BY version DESC
LIMIT :limit

-- name: count_versions
SELECT count(*) FROM definitions WHERE workflow_id = :workflow_id

-- name: insert_workflow
INSERT INTO workflows (workflow_id, account_id, name, version, state, revision, created_at, changed_at)
VALUES (:workflow_id, :account_id, :workflow_name, 1, 'draft', :revision, :created_at, :created_at)

-- name: update_workflow
UPDATE workflows
SET name = :workflow_name, version = :version, state = :state, revision = :revision, changed_at = :changed_at
WHERE workflow_id = :workflow_id

-- name: insert_definition
INSERT INTO definitions (workflow_id, version, body, created_at) VALUES (:workflow_id, :version, :body, :created_at)

-- name: insert_phase
INSERT INTO phases (workflow_id, number, since, state, version)
SELECT :workflow_id, coalesce(max(number), 0) + 1, :since, :state, :version FROM phases WHERE workflow_id = :workflow_id
