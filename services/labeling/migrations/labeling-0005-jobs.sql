-- long work that survives a kill: its progress stands in the transaction of each piece
-- depends: labeling-0004-engagements

-- migrate: apply

CREATE TABLE jobs (
    job_id uuid PRIMARY KEY,
    account_id integer NOT NULL REFERENCES accounts,
    kind text NOT NULL,
    subject text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    done bigint NOT NULL DEFAULT 0,
    total bigint,
    partition smallint NOT NULL DEFAULT 0,
    contact_id bigint NOT NULL DEFAULT 0,
    result jsonb,
    errors jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX jobs_open ON jobs (created_at) WHERE state IN ('waiting', 'running');
CREATE INDEX jobs_account ON jobs (account_id, job_id);

-- migrate: rollback

DROP TABLE jobs;
