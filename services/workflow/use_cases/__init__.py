"""What the service does, one module per capability; errors are those of the domain."""
