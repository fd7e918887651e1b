-- work on many rows in the background, and what was wrong with single rows of it (see shared/jobs)
-- depends: runtime-0003-topic-heads

-- migrate: apply

CREATE TABLE background_jobs (
    job_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    specification jsonb NOT NULL,
    cursor jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    done bigint NOT NULL DEFAULT 0,
    total bigint,
    errors bigint NOT NULL DEFAULT 0,
    result jsonb,
    failure text,
    cancel_requested boolean NOT NULL DEFAULT false,
    -- How many steps are committed. With `worker` it fences: a worker that lost its lease cannot commit a step.
    step bigint NOT NULL DEFAULT 0,
    worker uuid,
    leased_until timestamptz,
    -- How often the lease ran out since the last committed step: a step that ends its process would do so for ever.
    takeovers smallint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    changed_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

CREATE INDEX background_jobs_open ON background_jobs (created_at) WHERE state IN ('queued', 'running');
CREATE INDEX background_jobs_account ON background_jobs (account_id, job_id);
CREATE INDEX background_jobs_subject ON background_jobs (account_id, subject);

CREATE TABLE background_job_problems (
    job_id uuid NOT NULL REFERENCES background_jobs ON DELETE CASCADE,
    entry bigint GENERATED ALWAYS AS IDENTITY,
    number bigint,
    pointer text NOT NULL,
    code text NOT NULL,
    detail text NOT NULL,
    PRIMARY KEY (job_id, entry)
);

-- When each account had its last turn: the one that has waited longest comes next.
CREATE TABLE background_job_turns (
    account_id integer PRIMARY KEY,
    served_at timestamptz NOT NULL
);

-- migrate: rollback

DROP TABLE background_job_turns;
DROP TABLE background_job_problems;
DROP TABLE background_jobs;
