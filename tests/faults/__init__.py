"""Fault tests: processes and servers are killed or stopped, records arrive twice or are invalid."""
