-- counts of runs and steps, runs that are blocked, workflows whose runs are being cancelled
-- depends: workflow-0002-trigger-correlation

-- migrate: apply

-- Numbers of runs by state and partition number, kept by whoever changes a run: counting a million rows takes too long.
CREATE TABLE run_counts (
    workflow_id uuid NOT NULL,
    partition smallint NOT NULL,
    state text NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (workflow_id, partition, state)
);

INSERT INTO run_counts (workflow_id, partition, state, number)
SELECT workflow_id, partition, state, count(*) FROM runs GROUP BY workflow_id, partition, state;

CREATE TABLE step_counts (
    workflow_id uuid NOT NULL,
    step_id text NOT NULL,
    partition smallint NOT NULL,
    passed bigint NOT NULL,
    waiting bigint NOT NULL,
    sent bigint NOT NULL,
    not_sent bigint NOT NULL,
    clicked bigint NOT NULL,
    went_then bigint NOT NULL,
    went_else bigint NOT NULL,
    PRIMARY KEY (workflow_id, step_id, partition)
);

INSERT INTO step_counts (
    workflow_id, step_id, partition, passed, waiting, sent, not_sent, clicked, went_then, went_else
)
SELECT
    c.workflow_id, c.step_id, c.partition, sum(c.passed), sum(c.waiting), sum(c.sent), sum(c.not_sent), 0,
    sum(c.went_then), sum(c.went_else)
FROM (
    SELECT
        r.workflow_id, s.step_id, r.partition,
        count(*) FILTER (WHERE NOT s.result::jsonb ? 'failed') AS passed,
        0 AS waiting,
        count(*) FILTER (WHERE s.result::jsonb ? 'idempotency_key') AS sent,
        count(*) FILTER (WHERE s.result::jsonb ? 'not_sent') AS not_sent,
        count(*) FILTER (WHERE s.result::jsonb ->> 'branch' = 'then') AS went_then,
        count(*) FILTER (WHERE s.result::jsonb ->> 'branch' = 'else') AS went_else
    FROM run_steps s
    JOIN runs r ON r.run_id = s.run_id
    WHERE s.kind <> 'exit_on'
    GROUP BY r.workflow_id, s.step_id, r.partition
    UNION ALL
    SELECT workflow_id, step_id, partition, 0, count(*), 0, 0, 0, 0
    FROM runs
    WHERE state = 'running' AND step_id IS NOT NULL
    GROUP BY workflow_id, step_id, partition
) AS c
GROUP BY c.workflow_id, c.step_id, c.partition;

-- Which messages of a run were clicked, so that each counts once.
CREATE TABLE run_clicks (
    run_id uuid NOT NULL,
    message_id uuid NOT NULL,
    PRIMARY KEY (run_id, message_id)
);

-- Deleted workflows whose open runs in a partition number are still to be cancelled.
CREATE TABLE deletions (
    workflow_id uuid NOT NULL,
    partition smallint NOT NULL,
    PRIMARY KEY (partition, workflow_id)
);

INSERT INTO deletions (workflow_id, partition)
SELECT DISTINCT r.workflow_id, r.partition
FROM workflows w
JOIN runs r ON r.workflow_id = w.workflow_id
WHERE w.state = 'deleted' AND r.state = 'running';

-- A run that is blocked waits as a running one does: it is found with its contact, its workflow, and its step.
CREATE INDEX runs_open_of_contact ON runs (account_id, contact_id) WHERE state IN ('running', 'blocked');
CREATE INDEX runs_open_of_workflow ON runs (workflow_id, partition) WHERE state IN ('running', 'blocked');
CREATE INDEX runs_blocked ON runs (partition, workflow_id, version, step_id) WHERE state = 'blocked';
DROP INDEX runs_running;

CREATE INDEX occurrences_of_account ON occurrences (account_id, partition, position);

-- migrate: rollback

DROP INDEX occurrences_of_account;
CREATE INDEX runs_running ON runs (account_id, contact_id) WHERE state = 'running';
DROP INDEX runs_blocked;
DROP INDEX runs_open_of_workflow;
DROP INDEX runs_open_of_contact;
DROP TABLE deletions;
DROP TABLE run_clicks;
DROP TABLE step_counts;
DROP TABLE run_counts;
