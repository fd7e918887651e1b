"""The console's pages: HTTP in, HTML out."""
