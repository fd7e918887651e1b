"""Servers, sandboxes and waits that all tests share."""

import pytest

pytest.register_assert_rewrite("tests.stack.waiting")  # so that a wait that times out shows what differs
