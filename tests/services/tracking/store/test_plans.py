"""PostgreSQL's query plans for frequent statements on large tables."""

import pytest

from shared.store.database import Database
from tests.stack.plans import assert_indexed, statements

pytestmark = pytest.mark.asyncio

# 10,000 messages of 500 accounts with 5 links and a send each, 20,000 contacts, 20,000 clicks.
FILL = """
INSERT INTO messages (message_id, account_id, name, revision, version, created_at, changed_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, n % 500, 'Spring', 1, 1, now(), now() FROM generate_series(1, 10000) AS n;

INSERT INTO revisions (message_id, revision, html, link_ids, created_at)
SELECT message_id, 1, '', '{}', now() FROM messages;

INSERT INTO links (link_id, message_id, number, url, text, present)
SELECT gen_random_uuid(), message_id, number, 'https://shop.example', 'Dogs', true
FROM messages, generate_series(1, 5) AS number;

INSERT INTO link_labels (link_id, place, label_id, label_name) SELECT link_id, 1, gen_random_uuid(), 'Dogs' FROM links;

INSERT INTO block_criteria (message_id, block, variant, place, criterion)
SELECT message_id, 'hero', 'dogs', 1, '{}' FROM messages;

INSERT INTO senders (sender_id, account_id, name, email, created_at, changed_at, version)
SELECT gen_random_uuid(), n % 500, 'Shop', 'shop@shop.example', now(), now(), 1 FROM generate_series(1, 10000) AS n;

INSERT INTO sends (account_id, message_no, kind, id, sent_at)
SELECT account_id, message_no, 'campaign', 'spring', now() FROM messages;

INSERT INTO contacts (account_id, contact_id, state, tracked, email_digest, external_digest, sequence)
SELECT n % 20, n, 'active', true, gen_random_uuid(), gen_random_uuid(), n FROM generate_series(1, 20000) AS n;

INSERT INTO click_seen (account_id, source_no, key)
SELECT n % 20, 1, gen_random_uuid() FROM generate_series(1, 20000) AS n;

INSERT INTO clicks (
    click_id, account_id, contact_id, message_no, link_number, send_no, occurred_at, verdict, reasons
)
SELECT gen_random_uuid(), n % 20, n % 5000, n % 10000, n % 5, 0, now() - n * interval '1 minute', 'human', '{}'
FROM generate_series(1, 20000) AS n;

INSERT INTO click_counts (message_no, link_number, send_no, verdict, clicks)
SELECT message_no, number, 0, 'human', 4 FROM messages, generate_series(1, 5) AS number;

ANALYZE;
"""
LARGE = (
    "messages", "revisions", "links", "link_labels", "block_criteria", "senders", "sends", "contacts", "click_seen",
    "clicks", "click_counts",
)  # fmt: skip
INDEXES = {
    "list_messages": "messages_of_account",
    "count_messages": "messages_of_account",
    "contacts_of_email_digests": "contacts_by_email",
    "contacts_of_external_digests": "contacts_by_external_id",
    "count_clicks": "click_counts_pkey",
    "count_contacts": "clicks_of_message",
    "periods": "clicks_of_message",
}
MODULES = ("clicks", "contacts", "messages", "senders", "statistics")


async def test_statements_use_indexes_and_scan_no_large_table(database: Database) -> None:
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute(FILL)
        await assert_indexed(connection, statements("tracking", MODULES), LARGE, INDEXES)


async def test_clicks_on_a_link_are_read_with_the_index_of_its_message(database: Database) -> None:
    [query] = [one for one in statements("tracking", ["clicks"]) if one.name == "list_clicks"]
    given = {"account_id": 7, "message_no": 7, "link_numbers": [2, 3], "verdict": "human", "limit": 51}
    values = query.arguments(dict.fromkeys(query.parameters) | given)
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute(FILL)
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query.text}", *values))
    assert "clicks_of_message" in plan, plan
    assert "link_number = ANY" in plan, plan
