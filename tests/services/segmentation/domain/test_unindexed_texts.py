"""Texts without a bitmap of their own: the index finds the same contacts as a scan of all texts."""

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segmentation.domain.unindexed_texts import UnindexedTexts

texts = st.text(st.sampled_from("ab\u00e9\u4e16\U0001f436\ud800\x00"), max_size=4)
by_contact = st.dictionaries(st.integers(0, 40), texts)
withins = st.none() | st.sets(st.integers(0, 40)).map(BitMap)


def scanned(held: dict[int, str], prefix: str, within: BitMap | None) -> list[int]:
    return sorted(one for one, text in held.items() if text.startswith(prefix) and (within is None or one in within))


def starting(kept: UnindexedTexts, prefix: str, within: BitMap | None) -> list[int]:
    # The index may return contacts outside `within`; its callers intersect the result.
    return sorted(one for one in kept.starting(prefix, within) if within is None or one in within)


@given(by_contact, by_contact, st.sets(st.integers(0, 40)), texts, withins)
def test_a_prefix_finds_the_same_contacts_as_a_scan_also_after_changes(
    first: dict[int, str], more: dict[int, str], deleted: set[int], prefix: str, within: BitMap | None
) -> None:
    kept = UnindexedTexts(first)
    assert starting(kept, prefix, within) == scanned(first, prefix, within)
    for contact, text in more.items():
        kept.put([contact], text)
    assert starting(kept, prefix, within) == scanned(first | more, prefix, within)
    kept.remove(deleted)
    left = {contact: text for contact, text in (first | more).items() if contact not in deleted}
    assert starting(kept, prefix, within) == scanned(left, prefix, within)


@given(by_contact, st.sets(texts), withins)
def test_several_texts_find_the_same_contacts_as_a_scan(
    held: dict[int, str], wanted: set[str], within: BitMap | None
) -> None:
    found = UnindexedTexts(held).any_of(wanted, within)
    asked = within if within is not None else held
    assert sorted(set(found) & set(asked)) == sorted(one for one in asked if held.get(one, "c") in wanted)


def test_packs_only_after_a_text_was_added() -> None:
    kept = UnindexedTexts({1: "one"})
    assert kept.pack()
    assert not kept.pack()
    kept.remove([2])
    assert not kept.pack()
    kept.put([2], "two")
    assert kept.pack()
    assert sorted(kept.starting("tw", None)) == [2]
