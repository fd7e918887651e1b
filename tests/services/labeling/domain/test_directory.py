"""Given what the directory holds, when rows come, then these are the contacts."""

from services.labeling.domain.directory import DirectoryEntry, Key, KeyClaim, KeyConflict, Mode, settle

MAIL: Key = ("email", "ann@example.com")
CRM: Key = ("external", "crm-1")


def upsert(*keys: Key, mode: Mode = "upsert", contact_id: int | None = None) -> KeyClaim:
    return KeyClaim(mode, keys, contact_id)


def test_new_contacts_get_dense_ids() -> None:
    settled = settle([upsert(MAIL), upsert(CRM)], {}, 7)
    assert settled.rows == [7, 8]
    assert (settled.created, settled.entries) == (2, {MAIL: 7, CRM: 8})


def test_the_external_id_weighs_more_than_the_address() -> None:
    settled = settle([upsert(MAIL, CRM)], {CRM: DirectoryEntry(3, "holder")}, 7)
    assert (settled.rows, settled.entries, settled.created) == ([3], {MAIL: 3}, 0)


def test_a_known_address_gets_the_external_id() -> None:
    assert settle([upsert(CRM, MAIL)], {MAIL: DirectoryEntry(3, "holder")}, 7).entries == {CRM: 3}


def test_keys_of_two_contacts_are_a_conflict() -> None:
    directory = {CRM: DirectoryEntry(3, "holder"), MAIL: DirectoryEntry(4, "holder")}
    assert settle([upsert(MAIL, CRM)], directory, 7).rows == [KeyConflict(MAIL)]


def test_to_make_what_there_is_is_a_conflict() -> None:
    assert settle([upsert(MAIL, mode="create")], {MAIL: DirectoryEntry(3, "holder")}, 7).rows == [KeyConflict(MAIL)]


def test_an_update_may_keep_its_own_key_and_not_take_anothers() -> None:
    mine = upsert(MAIL, mode="update", contact_id=3)
    assert settle([mine], {MAIL: DirectoryEntry(3, "holder")}, 7).rows == [3]
    assert settle([mine], {MAIL: DirectoryEntry(4, "holder")}, 7).rows == [KeyConflict(MAIL)]


def test_a_newcomers_id_is_shared() -> None:
    settled = settle([upsert(MAIL)], {MAIL: DirectoryEntry(5, "newcomer")}, 7)
    assert (settled.rows, settled.created, settled.entries) == ([5], 0, {})


def test_an_entry_that_stands_for_nobody_is_taken_over() -> None:
    settled = settle([upsert(MAIL)], {MAIL: DirectoryEntry(5, "nobody")}, 7)
    assert (settled.rows, settled.entries) == ([7], {MAIL: 7})


def test_later_rows_see_what_earlier_ones_got() -> None:
    settled = settle([upsert(MAIL, CRM), upsert(CRM), upsert(MAIL)], {}, 7)
    assert (settled.rows, settled.created) == ([7, 7, 7], 1)


def test_a_key_that_another_row_gives_up_may_be_taken_in_any_order() -> None:
    new: Key = ("email", "new@example.com")
    directory = {CRM: DirectoryEntry(3, "holder"), MAIL: DirectoryEntry(3, "holder")}
    gives, takes = upsert(CRM, new), upsert(("external", "crm-2"), MAIL)
    for rows, expected in (([gives, takes], [3, 7]), ([takes, gives], [7, 3])):
        settled = settle(rows, directory, 7, {3: [CRM, MAIL]})
        assert (settled.rows, settled.handovers) == (expected, {MAIL: (3, 7)})


def test_an_address_alone_means_its_present_holder_until_it_is_given_up() -> None:
    new: Key = ("email", "new@example.com")
    directory = {CRM: DirectoryEntry(3, "holder"), MAIL: DirectoryEntry(3, "holder")}
    settled = settle([upsert(MAIL), upsert(CRM, new), upsert(MAIL)], directory, 7, {3: [CRM, MAIL]})
    assert settled.rows == [3, 3, 7]
