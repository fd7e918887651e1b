"""Large accounts, whose contacts are written into labeling's tables directly before the measurement."""

import os
from pathlib import Path
from time import perf_counter

import asyncpg

from tests.scenarios.scene import Account

AT_ONCE = 50_000  # contacts
NAMES = ("Dogs", "Cats", "Birds", "Fish")
FIELDS = (("first_name", "text"), ("city", "text"), ("birthday", "date"))
SET_LAST_CONTACT_ID = "UPDATE accounts SET last_contact_id = $2 WHERE account_id = $1"
# The ids of contacts start at 1. Triggers maintain the words for searches.
CONTACTS = """
INSERT INTO contacts (account_id, contact_id, email, email_key, fields, subscription, tracking_consent, language)
SELECT
    $1, number, address, address,
    jsonb_build_object(
        'first_name', 'Name' || number % 977, 'city', 'City ' || number % 311,
        'birthday', (date '1940-01-01' + (number % 25000)::integer)::text
    ),
    'subscribed', 'granted', 'nl'
FROM generate_series($2::bigint, $3::bigint) AS number,
    LATERAL (SELECT 'person.' || number || '@example.com') AS own (address)
"""
DIRECTORY = """
INSERT INTO directory (account_id, kind, key, contact_id)
SELECT account_id, 'email', email_key, contact_id FROM contacts
WHERE account_id = $1 AND contact_id BETWEEN $2 AND $3
"""
# Half of the contacts hold each label. Half of a label's holders also hold the next one.
ASSIGNMENTS = """
INSERT INTO assignments (
    contact_id, label_no, click_supports, clicks, first_click, last_click, since, withdrawn_by_self
)
SELECT number, label_no, 1, 1 + number % 7, now() - interval '90 days', now() - interval '1 day',
    now() - interval '90 days', false
FROM unnest($1::integer[]) WITH ORDINALITY AS label (label_no, place), generate_series($2::bigint, $3::bigint) AS number
WHERE (number + label.place) % 4 < 2
ORDER BY label_no, number
"""


def prepare(account: Account) -> list[str]:
    """Create the labels, which contacts may choose, and the fields of an account; return the labels' ids."""
    for key, kind in FIELDS:
        account.post("labeling", "/v1/fields", {"key": key, "name": key, "type": kind})
    bodies = [{"name": name, "visibility": "public", "group": "Interests"} for name in NAMES]
    return [account.post("labeling", "/v1/labels", body)["id"] for body in bodies]


def address_of(contact_id: int) -> str:
    """Return the address of a contact."""
    return f"person.{contact_id}@example.com"


async def fill(dsn: str, account_id: int, contacts: int) -> None:
    """Write contacts with three fields and two labels each. `dsn` is labeling's; the account is prepared and empty."""
    connection = await asyncpg.connect(dsn)
    try:
        labels = "SELECT label_no FROM labels WHERE account_id = $1 ORDER BY label_id"
        numbers = [row["label_no"] for row in await connection.fetch(labels, account_id)]
        await connection.execute(SET_LAST_CONTACT_ID, account_id, contacts)
        for first in range(1, contacts + 1, AT_ONCE):
            last = min(first + AT_ONCE - 1, contacts)
            await connection.execute(CONTACTS, account_id, first, last)
            await connection.execute(DIRECTORY, account_id, first, last)
            await connection.execute(ASSIGNMENTS, numbers, first, last)
        for table in ("contacts", "directory", "assignments", "contact_words"):
            await connection.execute(f"VACUUM (ANALYZE) {table}")
    finally:
        await connection.close()


async def copy_rate(dsn: str, contacts: int) -> float:
    """Return the rows per second of `COPY TO` from a plain table with the same columns."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "CREATE TEMPORARY TABLE plain AS "
            "SELECT 'person.' || number || '@example.com' AS email, 'Name' || number % 977 AS first_name, "
            "'City ' || number % 311 AS city, '1940-01-01' AS birthday, 'Dogs, Cats' AS labels "
            f"FROM generate_series(1, {int(contacts)}) AS number"
        )
        began = perf_counter()
        await connection.copy_from_query("SELECT * FROM plain", output=Path(os.devnull), format="csv", header=True)
        return contacts / (perf_counter() - began)
    finally:
        await connection.close()
