"""The image of contacts, criteria as set algebra on it, and the announced members. Pure."""
