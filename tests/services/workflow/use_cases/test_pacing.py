"""An account may have a few long requests in progress, which leaves room for others."""

import pytest

from services.workflow.domain.errors import TooBusy
from services.workflow.use_cases.pacing import AccountSlots


def test_an_account_has_a_few_requests_at_work_and_others_have_theirs() -> None:
    slots = AccountSlots(2)
    with slots.take(1), slots.take(1):
        with pytest.raises(TooBusy), slots.take(1):
            pass
        with slots.take(2):
            pass
    with slots.take(1), slots.take(1):
        pass
