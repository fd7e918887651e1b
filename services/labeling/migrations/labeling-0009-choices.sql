-- groups and names of labels, suppressed addresses, forms and their submissions
-- depends: labeling-0008-own-word

-- migrate: apply

-- `label_group` is a heading on the preference page; `names` are names by language.
ALTER TABLE labels ADD COLUMN label_group text;
ALTER TABLE labels ADD COLUMN names jsonb NOT NULL DEFAULT '{}';

-- Addresses that may not be sent to: keyed hashes, which outlive the contact.
CREATE TABLE suppressions (
    suppression_id uuid PRIMARY KEY,
    account_id integer NOT NULL REFERENCES accounts,
    hash bytea NOT NULL,
    key_id text NOT NULL,
    -- The version of the normalisation of addresses that was hashed.
    version smallint NOT NULL,
    reason text,
    origin jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, hash)
);

CREATE INDEX suppressions_account ON suppressions (account_id, suppression_id);

CREATE TABLE forms (
    form_id uuid PRIMARY KEY,
    account_id integer NOT NULL REFERENCES accounts,
    definition jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'deleted')),
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX forms_account ON forms (account_id, form_id);

-- What a contact filled in, until it confirms.
CREATE TABLE form_submissions (
    submission_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    contact_id bigint NOT NULL,
    form_id uuid NOT NULL REFERENCES forms,
    label_ids uuid[] NOT NULL,
    fields jsonb NOT NULL,
    wording text NOT NULL,
    language text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz
);

CREATE INDEX form_submissions_contact ON form_submissions (account_id, contact_id);

-- migrate: rollback

DROP TABLE form_submissions;
DROP TABLE forms;
DROP TABLE suppressions;
ALTER TABLE labels DROP COLUMN names;
ALTER TABLE labels DROP COLUMN label_group;
