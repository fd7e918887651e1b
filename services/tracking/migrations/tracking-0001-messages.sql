-- messages, their revisions, links and link labels
-- depends:

-- migrate: apply

CREATE TABLE messages (
    message_id uuid PRIMARY KEY,
    message_no integer GENERATED ALWAYS AS IDENTITY UNIQUE, -- what the click tables use
    account_id integer NOT NULL,
    name text NOT NULL,
    revision integer NOT NULL,
    version integer NOT NULL, -- counts every change, also of link labels
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE INDEX messages_of_account ON messages (account_id, message_id);

CREATE TABLE revisions (
    message_id uuid NOT NULL REFERENCES messages,
    revision integer NOT NULL,
    html text NOT NULL,
    link_ids uuid[] NOT NULL, -- in the order of the HTML
    created_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, revision)
);

CREATE TABLE links (
    link_id uuid PRIMARY KEY,
    message_id uuid NOT NULL REFERENCES messages,
    number integer NOT NULL,
    url text NOT NULL,
    text text NOT NULL,
    reason text, -- why it cannot be tracked
    present boolean NOT NULL,
    UNIQUE (message_id, number)
);

CREATE TABLE link_labels (
    link_id uuid NOT NULL REFERENCES links,
    place smallint NOT NULL,
    label_id uuid NOT NULL,
    label_name text NOT NULL, -- as it was when it was put on the link
    put_by text NOT NULL DEFAULT 'hand',
    PRIMARY KEY (link_id, label_id)
);

-- migrate: rollback

DROP TABLE link_labels;
DROP TABLE links;
DROP TABLE revisions;
DROP TABLE messages;
