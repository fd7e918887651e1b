"""What labeling does: each module loads, asks the domain, and writes the result in units of work."""
