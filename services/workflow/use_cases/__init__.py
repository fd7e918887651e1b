"""Workflow's use cases, one module per capability; errors are those of the domain."""
