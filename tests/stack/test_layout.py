"""Tests share code through rigs, conftest files and `tests.stack`, never through another test."""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, and the names that it imports from packages."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_no_test_imports_another_test() -> None:
    files = list(TESTS.rglob("*.py"))
    names = {
        ".".join(path.relative_to(TESTS.parent).with_suffix("").parts): path
        for path in files
        if path.name.startswith("test_")
    }
    assert len(names) > 200
    assert {str(path): used for path in files if (used := imported(path) & names.keys())} == {}
