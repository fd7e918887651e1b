"""`python -m deploy.documents`: writes all generated documents, or says why a released schema may not change."""

import sys

from deploy.documents.write import main

if __name__ == "__main__":
    sys.exit(main())
