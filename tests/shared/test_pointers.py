"""JSON pointers follow RFC 6901."""

from shared.pointers import deeper, pointer_of


def test_pointers_are_joined_and_escaped() -> None:
    assert pointer_of([]) == ""
    assert pointer_of(["a", 0, "b"]) == "/a/0/b"
    assert pointer_of(["a/b", "~"]) == "/a~1b/~0"
    assert deeper("/a", "b/c") == "/a/b~1c"
    assert deeper("", 3) == "/3"
