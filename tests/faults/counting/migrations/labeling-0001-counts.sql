-- how often each contact clicked for each label
-- depends:

-- migrate: apply

CREATE TABLE counts (
    account_id integer NOT NULL,
    contact_id bigint NOT NULL,
    label_id uuid NOT NULL,
    clicks integer NOT NULL,
    PRIMARY KEY (account_id, contact_id, label_id)
) WITH (fillfactor = 85);

-- migrate: rollback

DROP TABLE counts;
