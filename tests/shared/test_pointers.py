"""JSON pointers as RFC 6901 writes them."""

from shared.pointers import deeper, pointer_of


def test_a_pointer_names_each_step() -> None:
    assert pointer_of([]) == ""
    assert pointer_of(["a", 0, "b"]) == "/a/0/b"
    assert pointer_of(["a/b", "~"]) == "/a~1b/~0"
    assert deeper("/a", "b/c") == "/a/b~1c"
    assert deeper("", 3) == "/3"
