import pytest

pytest.register_assert_rewrite("tests.stack.waiting")  # so that a wait that ends in vain shows what differs
