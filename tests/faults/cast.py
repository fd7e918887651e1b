"""The labels of the clicks that tests publish."""

from uuid import UUID

from shared.events.parts import LabelReference

LABELS = [
    LabelReference(id=UUID(f"0194f000-0000-7000-8000-00000000000{number}"), name=name)
    for number, name in enumerate(("Dogs", "Cats", "Spring sale"), 1)
]
