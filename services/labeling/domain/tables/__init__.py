"""Reads tables that people upload: delimited text, spreadsheets and lines of JSON."""
