-- who entered and left segments since a time, without reading all events
-- depends: segmentation-0004-segment-days

-- migrate: apply

CREATE INDEX events_membership_changes ON events (account_id, occurred_at, event_id)
WHERE topic = 'segmentation.memberships';

-- migrate: rollback

DROP INDEX events_membership_changes;
