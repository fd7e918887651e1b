"""The public path: answers `/c/{token}.{n}`, and stores each click in Kafka or in the spool on disk.

This package is separate from `api` and `consumers`. A redirect must succeed within milliseconds, even while
PostgreSQL and Kafka are unavailable. So it never uses the store or a unit of work: it reads the catalog in memory, and
bypasses FastAPI (see `shared.http.raw`). `answers` builds the response, `clicks` the record, `targets` finds the link;
`spool` and `drain` store and send clicks that Kafka does not acknowledge in time.
"""
