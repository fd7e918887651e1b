"""Workflow's HTTP API: workflows, their runs, and trials."""
