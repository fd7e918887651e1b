"""Assembles a service (database, catalogs, consumers, relay, HTTP), starts it and stops it."""
