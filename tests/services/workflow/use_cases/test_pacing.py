"""The number of long requests of an account is limited, which leaves capacity for other accounts."""

import pytest

from services.workflow.domain.errors import TooBusy
from services.workflow.use_cases.pacing import AccountSlots


def test_an_account_is_limited_to_its_slots_and_others_have_their_own() -> None:
    slots = AccountSlots(2)
    with slots.take(1), slots.take(1):
        with pytest.raises(TooBusy), slots.take(1):
            pass
        with slots.take(2):
            pass
    with slots.take(1), slots.take(1):
        pass
