"""The kinds of jobs that labeling runs."""

from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.use_cases.account_deletion import AccountDeletion
from services.labeling.use_cases.assignment_jobs import AssignmentRun
from services.labeling.use_cases.deletions import FieldDeletion, LabelDeletion
from services.labeling.use_cases.exports import ExportRun
from services.labeling.use_cases.import_check import ImportCheck
from services.labeling.use_cases.import_run import ImportRun
from services.labeling.use_cases.import_undo import ImportUndo
from services.labeling.use_cases.merging import LabelMerge
from services.labeling.use_cases.uploads import Limits
from shared.jobs.job import JobKind


def kinds(limits: Limits, suppression: SuppressionKeys | None = None) -> tuple[JobKind, ...]:
    """Return the kinds of jobs. `suppression` hashes addresses to find suppressed ones."""
    return (
        LabelDeletion(),
        FieldDeletion(),
        ImportCheck(limits.rows, suppression),
        ImportRun(suppression),
        ImportUndo(),
        ExportRun(),
        AssignmentRun(),
        LabelMerge(),
        AccountDeletion(),
    )


# Jobs that `/v1/jobs` does not cancel: a merge can only be continued, and an import is cancelled through `/v1/imports`,
# because it has a state of its own.
WITH_RESOURCES = frozenset({"label_merge", "import_check", "import_run", "import_undo"})
