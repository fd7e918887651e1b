"""The branch of a contact at a split, by the sample of the step: the same in every process and after every replay."""

from uuid import UUID

from shared.criteria.sampling import sampled


def takes_then(percent: float, workflow_id: UUID, step_id: str, contact_id: int) -> bool:
    """Return True for `percent` of the contacts. A larger percentage includes the contacts of a smaller one."""
    return sampled(f"{workflow_id}:{step_id}", percent, contact_id)
