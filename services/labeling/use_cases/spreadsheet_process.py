"""Converts a spreadsheet (standard input) to delimited text (standard output), as a separate process.

A spreadsheet is loaded into memory as a whole, which takes seconds. In a process of its own it does not block the
service, and a malicious file that exhausts memory does not end it. Exit code 65 means that the file cannot be read;
standard error says why.
"""

import csv
import io
import resource
import sys

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.tables.spreadsheets import rows_of

MOST_MEMORY = 2 * 1024**3  # bytes
UNREADABLE = 65  # exit code, as EX_DATAERR of sysexits.h


def main() -> int:
    """Convert standard input to standard output; return the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    output = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=False)
    try:
        csv.writer(output, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n").writerows(rows_of(sys.stdin.buffer.read()))
        output.flush()
    except InvalidError as error:
        sys.stderr.write(error.detail)
        return UNREADABLE
    except MemoryError:
        sys.stderr.write("the spreadsheet is too large; save it as CSV")
        return UNREADABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
