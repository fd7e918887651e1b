-- mails that ended long ago are found without reading all of them
-- depends: delivery-0001-mails

-- migrate: apply

CREATE INDEX mails_ended ON mails (ended_at) WHERE reported;

-- migrate: rollback

DROP INDEX mails_ended;
