-- who holds which label, how often it was clicked for, and why
-- depends: labeling-0002-contacts

-- migrate: apply

-- One row per contact and label, written for most clicks: no second index, no foreign key, no account (`label_no` is
-- one account's), room to update in place. By label first: its holders are one range, and the labels of a contact are
-- a probe per label of the account.
CREATE TABLE assignments (
    contact_id bigint NOT NULL,
    label_no integer NOT NULL,
    click_supports integer NOT NULL,
    clicks integer NOT NULL,
    first_click timestamptz,
    last_click timestamptz,
    since timestamptz,
    withdrawn_by_self boolean NOT NULL,
    supports jsonb,
    held boolean GENERATED ALWAYS AS (since IS NOT NULL) VIRTUAL,
    PRIMARY KEY (label_no, contact_id)
) WITH (fillfactor = 85);

CREATE TABLE assignment_history (
    entry bigint GENERATED ALWAYS AS IDENTITY,
    contact_id bigint NOT NULL,
    label_no integer NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    outcome text NOT NULL,
    reason text,
    -- The event that caused it, and the one that told it.
    cause uuid,
    event_id uuid,
    -- A click's origin is three ids, any other one is `origin`.
    click_id uuid,
    message_id uuid,
    link_id uuid,
    origin jsonb,
    PRIMARY KEY (label_no, contact_id, entry)
);

-- migrate: rollback

DROP TABLE assignment_history;
DROP TABLE assignments;
