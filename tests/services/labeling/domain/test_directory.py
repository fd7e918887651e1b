"""The directory decides which contact each row belongs to."""

from collections.abc import Collection, Mapping, Sequence

from services.labeling.domain.directory import (
    NO_KEYS,
    DirectoryEntry,
    Key,
    KeyClaim,
    KeyConflict,
    Mode,
    Settlement,
    Settling,
)

MAIL: Key = ("email", "ann@example.com")
CRM: Key = ("external", "crm-1")


def upsert(*keys: Key, mode: Mode = "upsert", contact_id: int | None = None) -> KeyClaim:
    return KeyClaim(mode, keys, contact_id)


def settle(
    claims: Sequence[KeyClaim],
    directory: Mapping[Key, DirectoryEntry],
    first_id: int,
    held: Mapping[int, Collection[Key]] = NO_KEYS,
) -> Settlement:
    settling = Settling(claims, directory, held)
    for _ in settling.steps():
        pass
    return settling.settlement(first_id)


def test_new_contacts_get_dense_ids() -> None:
    settled = settle([upsert(MAIL), upsert(CRM)], {}, 7)
    assert settled.rows == [7, 8]
    assert (settled.created, settled.entries) == (2, {MAIL: 7, CRM: 8})


def test_the_external_id_takes_precedence_over_the_address() -> None:
    settled = settle([upsert(MAIL, CRM)], {CRM: DirectoryEntry(3, "holder")}, 7)
    assert (settled.rows, settled.entries, settled.created) == ([3], {MAIL: 3}, 0)


def test_the_contact_of_a_known_address_gets_the_external_id() -> None:
    assert settle([upsert(CRM, MAIL)], {MAIL: DirectoryEntry(3, "holder")}, 7).entries == {CRM: 3}


def test_keys_of_two_contacts_are_a_conflict() -> None:
    directory = {CRM: DirectoryEntry(3, "holder"), MAIL: DirectoryEntry(4, "holder")}
    assert settle([upsert(MAIL, CRM)], directory, 7).rows == [KeyConflict(MAIL)]


def test_creating_an_existing_contact_is_a_conflict() -> None:
    assert settle([upsert(MAIL, mode="create")], {MAIL: DirectoryEntry(3, "holder")}, 7).rows == [KeyConflict(MAIL)]


def test_an_update_may_keep_its_key_but_not_claim_that_of_another_contact() -> None:
    mine = upsert(MAIL, mode="update", contact_id=3)
    assert settle([mine], {MAIL: DirectoryEntry(3, "holder")}, 7).rows == [3]
    assert settle([mine], {MAIL: DirectoryEntry(4, "holder")}, 7).rows == [KeyConflict(MAIL)]


def test_a_row_shares_the_id_of_a_newcomer() -> None:
    settled = settle([upsert(MAIL)], {MAIL: DirectoryEntry(5, "newcomer")}, 7)
    assert (settled.rows, settled.created, settled.entries) == ([5], 0, {})


def test_an_entry_without_an_owner_is_replaced() -> None:
    settled = settle([upsert(MAIL)], {MAIL: DirectoryEntry(5, "nobody")}, 7)
    assert (settled.rows, settled.entries) == ([7], {MAIL: 7})


def test_later_rows_find_the_contacts_of_earlier_rows() -> None:
    settled = settle([upsert(MAIL, CRM), upsert(CRM), upsert(MAIL)], {}, 7)
    assert (settled.rows, settled.created) == ([7, 7, 7], 1)


def test_a_key_released_by_another_row_can_be_claimed_in_any_order() -> None:
    new: Key = ("email", "new@example.com")
    directory = {CRM: DirectoryEntry(3, "holder"), MAIL: DirectoryEntry(3, "holder")}
    releases, claims = upsert(CRM, new), upsert(("external", "crm-2"), MAIL)
    for rows, expected in (([releases, claims], [3, 7]), ([claims, releases], [7, 3])):
        settled = settle(rows, directory, 7, {3: [CRM, MAIL]})
        assert (settled.rows, settled.handovers) == (expected, {MAIL: (3, 7)})


def test_an_address_means_its_holder_until_a_row_releases_it() -> None:
    new: Key = ("email", "new@example.com")
    directory = {CRM: DirectoryEntry(3, "holder"), MAIL: DirectoryEntry(3, "holder")}
    settled = settle([upsert(MAIL), upsert(CRM, new), upsert(MAIL)], directory, 7, {3: [CRM, MAIL]})
    assert settled.rows == [3, 3, 7]


CHAIN = 2_000


def mail(number: int) -> Key:
    return ("email", f"{number}@example.com")


def crm(number: int) -> Key:
    return ("external", f"crm-{number}")


def chain(last: Key) -> tuple[list[KeyClaim], dict[Key, DirectoryEntry], dict[int, list[Key]]]:
    """Return rows that each claim the address that the next row releases; the last row claims `last`."""
    numbers = range(1, CHAIN + 1)
    wanted = [*(mail(number) for number in numbers[1:]), last]
    claims = [upsert(crm(number), key) for number, key in zip(numbers, wanted, strict=True)]
    directory = {key: DirectoryEntry(number, "holder") for number in numbers for key in (crm(number), mail(number))}
    return claims, directory, {number: [crm(number), mail(number)] for number in numbers}


def test_a_chain_of_contacts_can_hand_addresses_over() -> None:
    claims, directory, held = chain(("email", "new@example.com"))
    settled = settle(claims, directory, CHAIN + 1, held)
    assert settled.rows == list(range(1, CHAIN + 1))
    assert len(settled.handovers) == CHAIN - 1


def test_a_chain_that_ends_at_an_unreleased_address_is_refused_in_few_steps() -> None:
    unreleased: Key = ("email", "kept@example.com")
    claims, directory, held = chain(unreleased)
    settling = Settling(claims, directory | {unreleased: DirectoryEntry(CHAIN + 7, "holder")}, held)
    steps = sum(1 for _ in settling.steps())
    settled = settling.settlement(CHAIN + 100)
    assert [type(row) for row in settled.rows] == [KeyConflict] * CHAIN
    assert not settled.handovers
    assert steps < 5 * CHAIN, "a row is examined again only if a key that it claims is not released"
