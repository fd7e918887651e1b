"""Fault tests: processes and servers are killed or stopped, records come twice or cannot be used."""
