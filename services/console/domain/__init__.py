"""Pure rules of the console: roles, forms, sentences."""
