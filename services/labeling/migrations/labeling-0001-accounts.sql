-- accounts, their API keys, and the catalogs of labels and fields
-- depends:

-- migrate: apply

CREATE TABLE accounts (
    account_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    time_zone text NOT NULL,
    -- Contact ids are dense and never used again: this only goes up, in a transaction of its own.
    last_contact_id bigint NOT NULL DEFAULT 0 CHECK (last_contact_id < 4294967296),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    key_id uuid PRIMARY KEY,
    account_id integer NOT NULL REFERENCES accounts,
    name text NOT NULL,
    scopes text[] NOT NULL,
    hash text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE INDEX api_keys_account ON api_keys (account_id, key_id);

CREATE TABLE labels (
    -- What stands in rows by the million; `label_id` is what the world sees.
    label_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    label_id uuid NOT NULL UNIQUE,
    account_id integer NOT NULL REFERENCES accounts,
    name text NOT NULL,
    name_key text NOT NULL,
    description text NOT NULL DEFAULT '',
    visibility text NOT NULL CHECK (visibility IN ('public', 'private')),
    aliases text[] NOT NULL DEFAULT '{}',
    alias_keys text[] NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'hidden', 'deleted')),
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX labels_name ON labels (account_id, name_key) WHERE state <> 'deleted';
CREATE INDEX labels_account ON labels (account_id, label_id);

CREATE TABLE fields (
    account_id integer NOT NULL REFERENCES accounts,
    key text NOT NULL,
    name text NOT NULL,
    type text NOT NULL CHECK (type IN ('text', 'number', 'date', 'boolean', 'choice')),
    choices text[] NOT NULL DEFAULT '{}',
    -- `deleted` until the last contact has lost its value; then the row goes and the key is free.
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'deleted')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, key)
);

-- migrate: rollback

DROP TABLE fields;
DROP TABLE labels;
DROP TABLE api_keys;
DROP TABLE accounts;
