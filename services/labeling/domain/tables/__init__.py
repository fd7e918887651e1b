"""Reading tables that people send: delimited text, spreadsheets and lines of JSON."""
