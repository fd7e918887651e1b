"""The HTTP interface: workflows, their runs, trying them."""
