-- consent to tracking as contacts gave it: an account may leave out clicks of those whose consent is unknown
-- depends: tracking-0006-evidence

-- migrate: apply

-- Null until the contact has been read again; it counts as unknown then.
ALTER TABLE contacts ADD COLUMN consent text CHECK (consent IN ('granted', 'denied', 'unknown'));

-- migrate: rollback

ALTER TABLE contacts DROP COLUMN consent;
