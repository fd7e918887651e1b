"""The public path: answers `/c/{token}.{n}`, and keeps each click safe in Kafka or in the spool on disk.

This is a room of its own, not a part of `api` or `consumers`. A redirect must succeed while PostgreSQL and Kafka are
away, and within milliseconds. So it never touches the store or a unit of work: it reads the catalog in memory, and
bypasses FastAPI (see `shared.http.raw`). `answers` builds the response, `clicks` the record, `targets` finds the link,
`spool` and `drain` keep clicks that Kafka does not take in time.
"""
