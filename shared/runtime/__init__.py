"""Puts a service together: database, catalogs, consumers, relay, HTTP; starts it and stops it."""
