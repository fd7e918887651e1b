-- what contacts did or had done to them, and which reports of it were seen
-- depends: labeling-0003-assignments

-- migrate: apply

CREATE TABLE sources (
    source_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL UNIQUE
);

CREATE TABLE engagement_seen (
    account_id integer NOT NULL,
    source_no integer NOT NULL,
    key bytea NOT NULL,
    PRIMARY KEY (account_id, source_no, key)
);

CREATE TABLE engagements (
    account_id integer NOT NULL,
    contact_id bigint NOT NULL,
    event_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    kind text NOT NULL,
    ref text,
    message_id uuid,
    send jsonb,
    attributes jsonb NOT NULL,
    data jsonb,
    PRIMARY KEY (account_id, contact_id, event_id)
);

-- migrate: rollback

DROP TABLE engagements;
DROP TABLE engagement_seen;
DROP TABLE sources;
