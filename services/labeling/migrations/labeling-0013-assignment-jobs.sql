-- a label given to, or taken from, many contacts at once, and what that changed
-- depends: labeling-0012-merging

-- migrate: apply

CREATE TABLE assignment_jobs (
    job_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    of jsonb NOT NULL,
    label_id uuid NOT NULL,
    held boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX assignment_jobs_account ON assignment_jobs (account_id, job_id);

-- The contacts that a step changed, as a compressed bitmap, for taking it back.
CREATE TABLE assignment_job_effects (
    job_id uuid NOT NULL REFERENCES assignment_jobs ON DELETE CASCADE,
    step bigint NOT NULL,
    contacts bytea NOT NULL,
    PRIMARY KEY (job_id, step)
);

-- migrate: rollback

DROP TABLE assignment_job_effects;
DROP TABLE assignment_jobs;
