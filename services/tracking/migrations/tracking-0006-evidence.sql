-- what verdicts need later: times since sending and delivery, networks, the version of the rules
-- depends: tracking-0005-link-places

-- migrate: apply

ALTER TABLE clicks
    ADD COLUMN rules smallint NOT NULL DEFAULT 1, -- the version of the rules by which it was judged
    ADD COLUMN history boolean NOT NULL DEFAULT false,
    ADD COLUMN since_send integer, -- seconds from this recipient's send
    ADD COLUMN since_delivery integer, -- seconds
    ADD COLUMN network uuid, -- a keyed hash of the /24 or /48 that it came from; it stays after an erasure
    ADD COLUMN http_version text;

-- The key of such hashes. It never leaves the database's own backups, so that the hashes lead to nobody.
CREATE TABLE network_key (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    key text NOT NULL
);

INSERT INTO network_key (key) VALUES (gen_random_uuid()::text || gen_random_uuid()::text);

-- migrate: rollback

DROP TABLE network_key;
ALTER TABLE clicks
    DROP COLUMN rules, DROP COLUMN history, DROP COLUMN since_send, DROP COLUMN since_delivery, DROP COLUMN network,
    DROP COLUMN http_version;
