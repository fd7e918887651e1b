-- What could lead back to a person goes; the click stays, with an id that means nobody.
UPDATE clicks AS click
SET user_agent = NULL, ip = NULL, headers = NULL
FROM unnest($1::integer[], $2::bigint[]) AS erased (account_id, contact_id)
WHERE click.account_id = erased.account_id
  AND click.contact_id = erased.contact_id
  AND (click.user_agent IS NOT NULL OR click.ip IS NOT NULL OR click.headers IS NOT NULL)
