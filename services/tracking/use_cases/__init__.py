"""What tracking does, one module per capability: load, ask the domain, write, append events."""
