"""`python -m deploy.documents`: writes all generated documents, or prints why a released schema must not change."""

import sys

from deploy.documents.write import main

if __name__ == "__main__":
    sys.exit(main())
