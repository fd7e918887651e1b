"""The kinds of jobs that labeling runs."""

from services.labeling.use_cases.deletions import FieldDeletion, LabelDeletion
from shared.jobs.job import JobKind

KINDS: tuple[JobKind, ...] = (LabelDeletion(), FieldDeletion())
