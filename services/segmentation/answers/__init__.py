"""Questions about all contacts of an account: asked of whoever holds the slices, and added up."""
