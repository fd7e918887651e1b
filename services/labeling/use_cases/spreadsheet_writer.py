"""Converts delimited text (standard input) to a spreadsheet (standard output), as a separate process.

Rows are written to a temporary file, so that memory does not grow with their number. The arguments are the indexes of
columns with numbers.
"""

import csv
import io
import sys

import xlsxwriter


def main() -> int:
    """Convert standard input to standard output; return the exit code."""
    number_columns = {int(argument) for argument in sys.argv[1:]}
    rows = csv.reader(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", newline=""))
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(sys.stdout.buffer, options) as workbook:
        sheet = workbook.add_worksheet("contacts")
        sheet.freeze_panes(1, 0)
        for row_index, row in enumerate(rows):
            for column, cell in enumerate(row):
                if row_index and column in number_columns and cell:
                    sheet.write_number(row_index, column, float(cell))
                elif cell:
                    sheet.write_string(row_index, column, cell)
    return 0


if __name__ == "__main__":
    sys.exit(main())
