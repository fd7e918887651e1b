-- campaigns, and the frozen audience of each in every partition number
-- depends: segmentation-0002-broken

-- migrate: apply

CREATE TABLE campaigns (
    campaign_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    message_id uuid NOT NULL,
    -- Criteria in the long form: {"include": […], "exclude": […]}
    audience jsonb NOT NULL,
    hold_out_percent double precision NOT NULL,
    send_at timestamptz,
    expires_at timestamptz,
    state text NOT NULL,
    reason text,
    -- What the launch fixed: the message's revision and blocks, and the criteria with their segments.
    launch jsonb,
    launched_at timestamptz,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE INDEX campaigns_account ON campaigns (account_id, campaign_id);
CREATE INDEX campaigns_open ON campaigns (state) WHERE state IN ('scheduled', 'launching', 'sending', 'paused');

-- One row per partition number from the launch on. It is no part of the image or its snapshots.
CREATE TABLE campaign_slices (
    campaign_id uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    partition smallint NOT NULL,
    frozen_at timestamptz,
    as_of date,
    -- Bitmaps of the audience, those held out and suppressed, and each variant; never changed once written.
    frozen bytea,
    failed text,
    -- Members of the audience with an index below this one were requested or skipped.
    next_index bigint NOT NULL DEFAULT 0,
    skipped bytea,
    drained_at timestamptz,
    PRIMARY KEY (campaign_id, partition)
);

ALTER TABLE campaign_slices ALTER COLUMN frozen SET STORAGE EXTERNAL, ALTER COLUMN skipped SET STORAGE EXTERNAL;

-- migrate: rollback

DROP TABLE campaign_slices;
DROP TABLE campaigns;
