-- People who sign in, what they may do in which account, their sessions and the links that sign them in.
-- depends:

-- migrate: apply

CREATE TABLE people (
    person_id uuid PRIMARY KEY,
    name text NOT NULL,
    email text,
    language text,  -- NULL: as the browser asks
    theme text NOT NULL DEFAULT 'system',
    is_operator boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX people_email ON people (lower(email)) WHERE email IS NOT NULL;

CREATE TABLE memberships (
    person_id uuid NOT NULL REFERENCES people ON DELETE CASCADE,
    account_id bigint NOT NULL,
    role text NOT NULL CHECK (role IN ('read', 'write', 'admin')),
    key_id uuid NOT NULL,
    api_key bytea NOT NULL,  -- encrypted
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, account_id)
);
CREATE INDEX memberships_account ON memberships (account_id);

CREATE TABLE sessions (
    session_id uuid PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    person_id uuid NOT NULL REFERENCES people ON DELETE CASCADE,
    browser text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_person ON sessions (person_id);

-- A link that signs somebody in once.
CREATE TABLE sign_in_links (
    token_hash bytea PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES people ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);

CREATE TABLE invitations (
    invitation_id uuid PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    account_id bigint NOT NULL,
    role text NOT NULL CHECK (role IN ('read', 'write', 'admin')),
    email text NOT NULL,
    name text NOT NULL,
    invited_by uuid REFERENCES people ON DELETE SET NULL,
    key_id uuid NOT NULL,
    api_key bytea NOT NULL,  -- encrypted; made when somebody is invited, by whoever may
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX invitations_account ON invitations (account_id);

-- migrate: rollback

DROP TABLE invitations;
DROP TABLE sign_in_links;
DROP TABLE sessions;
DROP TABLE memberships;
DROP TABLE people;
