"""What a row of an imported table says about a contact, and what importing it comes to."""
