"""The rules of labeling, without I/O, clock or randomness: assignments, fields, addresses, names, contacts."""
