"""The contacts of one slice, and a strategy for their histories."""

from hypothesis import strategies as st

from tests.shared.criteria.strategies import events_of

PARTITIONS = 3
FIRST = 2
CONTACTS = [PARTITIONS * index + FIRST for index in range(4)]  # one partition number of an account

histories = st.lists(events_of(st.sampled_from(CONTACTS)), max_size=60)
