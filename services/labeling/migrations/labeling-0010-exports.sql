-- exports, and the members of segments for them
-- depends: labeling-0009-choices

-- migrate: apply

CREATE TABLE exports (
    export_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    of jsonb NOT NULL,
    format text NOT NULL CHECK (format IN ('csv', 'csv_excel', 'xlsx', 'ndjson')),
    columns text[] NOT NULL,
    job_id uuid NOT NULL,
    -- The file that is being written or has been written; null after it was deleted.
    file_id uuid REFERENCES files ON DELETE SET NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    -- A compressed bitmap of the contacts in the file: an erasure deletes the files that name the contact.
    members bytea,
    erased_meanwhile boolean NOT NULL DEFAULT false,
    rows bigint NOT NULL DEFAULT 0,
    size bigint NOT NULL DEFAULT 0,
    failure text,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

CREATE INDEX exports_account ON exports (account_id, export_id);

-- The members of a segment in one partition number, as a compressed bitmap of contact ids.
CREATE TABLE segment_members (
    segment_id uuid NOT NULL,
    partition smallint NOT NULL,
    account_id integer NOT NULL,
    name text NOT NULL,
    members bytea NOT NULL,
    PRIMARY KEY (segment_id, partition)
);

CREATE INDEX segment_members_account ON segment_members (account_id, segment_id);

-- migrate: rollback

DROP TABLE segment_members;
DROP TABLE exports;
