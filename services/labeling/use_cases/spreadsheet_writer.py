"""Converts delimited text (standard input) to a spreadsheet (standard output), as a separate process.

Rows are written to a temporary file, so memory does not grow with their number. The arguments are the columns of
numbers.
"""

import csv
import io
import sys

import xlsxwriter


def main() -> int:
    """Convert; return the exit code."""
    numbers = {int(argument) for argument in sys.argv[1:]}
    rows = csv.reader(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", newline=""))
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(sys.stdout.buffer, options) as workbook:
        sheet = workbook.add_worksheet("contacts")
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if number and place in numbers and cell:
                    sheet.write_number(number, place, float(cell))
                elif cell:
                    sheet.write_string(number, place, cell)
    return 0


if __name__ == "__main__":
    sys.exit(main())
