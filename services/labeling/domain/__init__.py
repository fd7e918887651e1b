"""What labeling decides, without I/O, clock or randomness: labels held, fields, addresses, names, contacts."""
