-- files in pieces, imports with their rows and effects
-- depends: labeling-0006-background-jobs

-- migrate: apply

CREATE TABLE files (
    file_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    filename text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL DEFAULT 0,
    -- False while it is being written. What was never completed is deleted after an hour.
    complete boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

CREATE INDEX files_account ON files (account_id, created_at);
CREATE INDEX files_expires_at ON files (expires_at);

CREATE TABLE file_pieces (
    file_id uuid NOT NULL REFERENCES files ON DELETE CASCADE,
    number integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (file_id, number)
);

-- Compressing a piece of a spreadsheet takes long and gains nothing.
ALTER TABLE file_pieces ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE imports (
    import_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    key_id uuid,
    filename text NOT NULL,
    size bigint NOT NULL,
    state text NOT NULL CHECK (state IN (
        'uploaded', 'checking', 'checked', 'running', 'done', 'cancelled', 'failed', 'undoing', 'undone'
    )),
    format jsonb NOT NULL,
    columns jsonb NOT NULL,
    options jsonb NOT NULL,
    -- Keys of addresses and external ids are hashed with it: an erasure finds rows without reading them.
    hash_key bytea NOT NULL,
    file_id uuid REFERENCES files ON DELETE SET NULL,
    -- Rows of a check have its number. Those of the newest complete one are imported.
    generation integer NOT NULL DEFAULT 0,
    checked_generation integer NOT NULL DEFAULT 0,
    job_id uuid,
    summary jsonb,
    result jsonb,
    undo_result jsonb,
    failure text,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz
);

CREATE INDEX imports_account ON imports (account_id, import_id);
CREATE INDEX imports_changed_at ON imports (changed_at);

-- A row of the table as it was, with what identifies its contact.
CREATE TABLE import_rows (
    import_id uuid NOT NULL,
    generation integer NOT NULL,
    number integer NOT NULL,
    cells bytea NOT NULL, -- a JSON array of texts
    -- create, update, unchanged; error
    outcome text NOT NULL,
    email_hash bytea,
    external_hash bytea,
    PRIMARY KEY (import_id, generation, number)
);

CREATE INDEX import_rows_email ON import_rows (email_hash) WHERE email_hash IS NOT NULL;
CREATE INDEX import_rows_external ON import_rows (external_hash) WHERE external_hash IS NOT NULL;

CREATE TABLE import_errors (
    import_id uuid NOT NULL,
    generation integer NOT NULL,
    number integer NOT NULL,
    place integer NOT NULL,
    column_index integer,
    code text NOT NULL,
    detail text NOT NULL,
    PRIMARY KEY (import_id, generation, number, place)
);

-- Which contact a row is, and the bucket in which it waits: a group of partition numbers.
CREATE TABLE import_deals (
    import_id uuid NOT NULL,
    bucket smallint NOT NULL,
    number integer NOT NULL,
    contact_id bigint NOT NULL,
    PRIMARY KEY (import_id, bucket, number)
);

CREATE INDEX import_deals_contact ON import_deals (import_id, contact_id);

-- What an import did to a contact, for taking it back: members with their values before and after, and labels.
CREATE TABLE import_effects (
    import_id uuid NOT NULL,
    bucket smallint NOT NULL,
    contact_id bigint NOT NULL,
    account_id integer NOT NULL,
    created boolean NOT NULL,
    members jsonb NOT NULL,
    label_nos integer[] NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (import_id, contact_id)
);

CREATE INDEX import_effects_bucket ON import_effects (import_id, bucket, contact_id);
CREATE INDEX import_effects_contact ON import_effects (account_id, contact_id);

-- migrate: rollback

DROP TABLE import_effects;
DROP TABLE import_deals;
DROP TABLE import_errors;
DROP TABLE import_rows;
DROP TABLE imports;
DROP TABLE file_pieces;
DROP TABLE files;
