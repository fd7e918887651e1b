"""Imports are checked without any change, carried out exactly, and undone."""

import orjson
import pytest

from services.labeling.domain.errors import InvalidError, StateError, TooLargeError
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.store.import_rows import errors_after
from services.labeling.store.imports import Import
from services.labeling.use_cases.erasure import erase_contact
from services.labeling.use_cases.import_errors import error_file
from services.labeling.use_cases.imports import (
    cancel_import,
    check_import,
    delete_import,
    preview_undo,
    start_import,
    undo_import,
)
from services.labeling.use_cases.jobs import kinds
from services.labeling.use_cases.suppressions import suppress
from services.labeling.use_cases.uploads import Limits
from shared.events.parts import Origin
from shared.jobs.runner import JobRunner
from tests.services.labeling.importing import SUBSCRIBED, checked, contact_of, imported, latest, uploaded
from tests.services.labeling.shop import Shop
from tests.shared.jobs.counting import Published

pytestmark = pytest.mark.asyncio

EXCEL = (
    "Klantnummer;Voornaam;E-mailadres;Geboortedatum;Interesselabels\r\n"
    "17;Zoë;zoe@example.com;13/05/1990;Dogs, Cats\r\n"
    ";;;;\r\n"
    "18;René;rene@example.com;1/2/1985;dogs\r\n"
    "19;Ann;ann@example.com;31/02/1985;Cats\r\n"
    "20;Bob;bob@example.com;;Dosg\r\n"
    "\r\n"
    "17;Zoë;zoe@example.com;13/05/1990;Cats\r\n"
    "Totaal;5;;;\r\n"
).encode("cp1252")


async def errors_of(shop: Shop, an_import: Import) -> list[tuple[int, str]]:
    errors = await errors_after(shop.database.pool, an_import.id, an_import.generation, (0, -1), 100)
    return [(error.number, error.code) for error in errors]


async def count(shop: Shop, table: str) -> int:
    number: int = await shop.database.pool.fetchval(f"SELECT count(*) FROM {table}")
    return number


async def test_a_file_is_recognised_checked_imported_corrected_and_undone(shop: Shop) -> None:
    found = await uploaded(shop, EXCEL)
    assert found.state == "uploaded"
    assert (found.format["encoding"], found.format["delimiter"], found.format["header"]) == ("windows-1252", ";", 1)
    assert [column["maps_to"] for column in found.columns] == [
        "external_id",
        {"new_field": {"key": "first_name", "name": "Voornaam", "type": "text"}},
        "email",
        {"new_field": {"key": "birthday", "name": "Geboortedatum", "type": "date"}},
        "labels",
    ]
    assert found.options["dates"] == "day_first"

    events = await count(shop, "events")
    found = await checked(shop, found)
    assert found.state == "checked"
    assert found.summary is not None
    counts = {name: found.summary[name] for name in ("rows", "create", "update", "unchanged", "errors", "duplicates")}
    assert counts == {"rows": 6, "create": 2, "update": 0, "unchanged": 0, "errors": 3, "duplicates": 1}
    assert found.summary["unknown_labels"] == [
        {"name": "Dosg", "rows": 1, "nearest": [{"id": str(shop.labels["Dogs"].id), "name": "Dogs"}]}
    ]
    assert await errors_of(shop, found) == [(5, "invalid"), (6, "unknown_label"), (9, "no_email")]
    assert await count(shop, "contacts") == 0
    assert await count(shop, "events") == events
    assert await count(shop, "files") == 0

    await start_import(shop.database, shop.account_id, found.id)
    await shop.run_jobs()
    found = await latest(shop, found)
    assert found.state == "done"
    assert found.result == {"created": 2, "updated": 0, "unchanged": 0, "skipped": 0, "merged": 1, "errors": 3}
    zoe = await contact_of(shop, "zoe@example.com")
    assert orjson.loads(zoe["fields"]) == {"first_name": "Zoë", "birthday": "1990-05-13"}
    assert (zoe["external_id"], zoe["subscription"]) == ("17", "subscribed")
    assert await shop.history(zoe["contact_id"], "Dogs") == ["assigned"]
    assert len(await shop.events("ContactChanged")) == 2
    assigned = await shop.events("LabelAssigned")
    assert len(assigned) == 3
    assert all(orjson.loads(event["body"])["origin"] == {"kind": "import", "ref": str(found.id)} for event in assigned)

    refused = b"".join([part async for part in error_file(shop.database, found)])
    text = refused.decode("utf-8-sig")
    assert text.splitlines()[2].startswith("20;Bob;bob@example.com;;Dosg;")
    corrected = text.replace("31/02/1985", "28/02/1985").replace("Dosg", "Dogs").encode()
    second = await imported(shop, corrected)
    assert second.result is not None
    assert (second.result["created"], second.result["errors"]) == (2, 1)
    assert await shop.holds((await contact_of(shop, "bob@example.com"))["contact_id"], "Dogs")

    preview = await preview_undo(shop.database, shop.account_id, found.id, erase_created=True)
    assert (preview["contacts"], preview["erased"]) == (2, 2)
    await undo_import(shop.database, shop.account_id, found.id, erase_created=True)
    await shop.run_jobs()
    assert (await latest(shop, found)).undo_result == preview
    assert await count(shop, "contacts") == 2


async def test_a_repeated_import_reports_all_rows_as_unchanged(shop: Shop) -> None:
    content = b"email,city,labels\nann@example.com,Gent,Dogs\nbob@example.com,Brugge,Cats\n"
    await imported(shop, content)
    events = await count(shop, "events")
    again = await imported(shop, content)
    assert again.result == {"created": 0, "updated": 0, "unchanged": 2, "skipped": 0, "merged": 0, "errors": 0}
    assert again.summary is not None
    assert again.summary["unchanged"] == 2
    assert await count(shop, "events") == events


async def test_undo_restores_values_and_keeps_changes_by_other_origins(shop: Shop) -> None:
    ann, bob, cis = [
        await shop.contact(email=f"{name}@example.com", fields={"city": "Gent", "age": 3})
        for name in ("ann", "bob", "cis")
    ]
    await shop.write({"email": "ann@example.com", "labels": ["Dogs"]})
    first = await imported(
        shop,
        b"email,city,labels\nann@example.com,Aalst,Dogs\nbob@example.com,Aalst,Cats\ncis@example.com,Aalst,\n",
    )
    await shop.write({"email": "bob@example.com", "fields": {"city": "Brussel"}})
    await imported(shop, b"email,city\ncis@example.com,Aalst\n")
    preview = await preview_undo(shop.database, shop.account_id, first.id, erase_created=True)
    assert preview == {"contacts": 3, "labels_removed": 1, "labels_kept": 1, "values_restored": 1, "erased": 0}
    await undo_import(shop.database, shop.account_id, first.id, erase_created=True)
    await shop.run_jobs()
    assert (await latest(shop, first)).undo_result == preview
    cities = await shop.database.pool.fetch("SELECT fields ->> 'city' AS city FROM contacts ORDER BY contact_id")
    assert [row["city"] for row in cities] == ["Gent", "Brussel", "Aalst"]
    assert await shop.holds(ann, "Dogs")
    assert not await shop.holds(bob, "Cats")
    assert await shop.history(bob, "Cats") == ["assigned", "removed"]
    assert cis


async def test_an_import_does_not_resubscribe_an_unsubscribed_contact(shop: Shop) -> None:
    ann = await shop.contact(email="ann@example.com", subscription="unsubscribed")
    await imported(shop, b"email,subscription\nann@example.com,subscribed\n")
    assert (await contact_of(shop, "ann@example.com"))["subscription"] == "unsubscribed"
    assert ann


async def test_a_suppressed_address_is_counted_and_blocked(shop: Shop) -> None:
    keys = SuppressionKeys.parse("one:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    origin = Origin(kind="manual")
    await suppress(shop.database, keys, shop.account_id, ["ann@example.com"], None, origin)
    runner = JobRunner(shop.database, Published(), kinds(Limits(), keys))
    found = await uploaded(shop, b"email\nann@example.com\nbob@example.com\n")
    await check_import(shop.database, shop.account_id, found.id, {}, SUBSCRIBED, {})
    await runner.run_until_idle()
    summary = (await latest(shop, found)).summary
    assert summary is not None
    assert (summary["create"], summary["suppressed"]) == (2, 1)
    await start_import(shop.database, shop.account_id, found.id)
    await runner.run_until_idle()
    assert (await contact_of(shop, "ann@example.com"))["subscription"] == "blocked"
    assert (await contact_of(shop, "bob@example.com"))["subscription"] == "subscribed"


async def test_unknown_labels_are_ignored_or_created(shop: Shop) -> None:
    content = b'email,labels\nann@example.com,"Dogs, Birds"\n'
    ignored = await imported(shop, content, unknown_labels="ignore")
    assert ignored.result is not None
    assert (ignored.result["created"], ignored.result["errors"]) == (1, 0)
    created = await imported(shop, content, unknown_labels="create")
    assert created.result is not None
    assert created.result["updated"] == 1
    assert await shop.database.pool.fetchval("SELECT count(*) FROM labels WHERE name = 'Birds'") == 1
    assert await shop.database.pool.fetchval("SELECT count(*) FROM assignments") == 2


async def test_an_import_that_reaches_a_limit_fails_with_the_reason(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    label_count, field_count = await count(shop, "labels"), await count(shop, "fields")
    monkeypatch.setattr("services.labeling.use_cases.labels.MOST_LABELS", label_count)
    monkeypatch.setattr("services.labeling.use_cases.fields.MOST_FIELDS", field_count)
    too_many_labels = await imported(shop, b"email,labels\nann@example.com,Birds\n", unknown_labels="create")
    assert too_many_labels.state == "failed"
    assert too_many_labels.failure == f"The account has {label_count} labels, which is the limit."
    new_field = {1: {"new_field": {"key": "shoe", "name": "Shoe", "type": "text"}}}
    too_many_fields = await imported(shop, b"email,shoe\nann@example.com,43\n", new_field)
    assert too_many_fields.failure == f"The account has {field_count} fields, which is the limit."


async def test_create_mode_skips_known_contacts_and_update_mode_skips_new_ones(shop: Shop) -> None:
    await shop.contact(email="ann@example.com", fields={"city": "Gent"})
    content = b"email,city\nann@example.com,Aalst\nbob@example.com,Aalst\n"
    created = await imported(shop, content, mode="create")
    assert created.result is not None
    assert (created.result["created"], created.result["skipped"]) == (1, 1)
    content = b"email,city\nann@example.com,Aalst\ncis@example.com,Aalst\n"
    updated = await imported(shop, content, mode="update")
    assert updated.result is not None
    assert (updated.result["updated"], updated.result["skipped"]) == (1, 1)
    assert await count(shop, "contacts") == 2


async def test_a_new_mapping_checks_the_same_rows_again(shop: Shop) -> None:
    found = await checked(shop, await uploaded(shop, b"email,note\nann@example.com,x\nbob@example.com,y\n"))
    again = await checked(shop, found, {1: None})
    assert again.summary is not None
    assert again.summary["create"] == 2
    assert await count(shop, "import_rows") == 2
    await start_import(shop.database, shop.account_id, found.id)
    await shop.run_jobs()
    assert orjson.loads((await contact_of(shop, "ann@example.com"))["fields"]) == {}
    with pytest.raises(StateError, match="done"):
        await check_import(shop.database, shop.account_id, found.id, {}, {}, {})


async def test_erasure_removes_the_rows_of_a_contact_from_imports(shop: Shop) -> None:
    ann = await shop.contact(email="ann@example.com")
    found = await checked(shop, await uploaded(shop, b"email,city\nann@example.com,Gent\nbob@example.com,Gent\n"))
    await erase_contact(shop.database, shop.account_id, ann)
    assert await count(shop, "import_rows") == 1
    await start_import(shop.database, shop.account_id, found.id)
    await shop.run_jobs()
    assert (await latest(shop, found)).result == {
        "created": 1, "updated": 0, "unchanged": 0, "skipped": 0, "merged": 0, "errors": 0,
    }  # fmt: skip
    bob = await contact_of(shop, "bob@example.com")
    await erase_contact(shop.database, shop.account_id, bob["contact_id"])
    assert (
        await count(shop, "import_rows") + await count(shop, "import_effects") + await count(shop, "import_deals") == 0
    )


async def test_invalid_files_options_and_transitions_are_rejected(shop: Shop) -> None:
    with pytest.raises(InvalidError, match="PNG"):
        await uploaded(shop, b"\x89PNG\r\n\x1a\n\x00\x00\x00")
    with pytest.raises(InvalidError, match="empty"):
        await uploaded(shop, b"")
    with pytest.raises(TooLargeError, match="rows"):
        await uploaded(shop, b"a\n" * 20, limits=Limits(rows=10))
    with pytest.raises(TooLargeError, match="MB"):
        await uploaded(shop, b"email\n" + b"a@x.be\n" * 2000, limits=Limits(file_bytes=1000))
    assert await count(shop, "files") + await count(shop, "file_pieces") == 0
    found = await uploaded(shop, b"email,x\nann@example.com,1\n")
    with pytest.raises(StateError, match="uploaded"):
        await start_import(shop.database, shop.account_id, found.id)
    with pytest.raises(InvalidError) as error:
        await check_import(shop.database, shop.account_id, found.id, {0: None}, {}, {})
    assert error.value.pointer == "/columns"
    await check_import(shop.database, shop.account_id, found.id, {}, {}, {})
    await shop.run_jobs()
    with pytest.raises(InvalidError, match="subscribed or unconfirmed"):
        await start_import(shop.database, shop.account_id, found.id)
    await cancel_import(shop.database, shop.account_id, found.id)
    assert (await latest(shop, found)).state == "cancelled"
    await delete_import(shop.database, shop.account_id, found.id)
    assert await count(shop, "imports") + await count(shop, "import_rows") == 0


async def test_the_basis_of_a_subscription_is_stored_with_the_contact(shop: Shop) -> None:
    found = await imported(shop, b"email,subscription\nann@example.com,\nbob@example.com,unsubscribed\n")
    assert found.options["subscription"] == SUBSCRIBED["subscription"]
    rows = await shop.database.pool.fetch("SELECT * FROM contact_decisions ORDER BY contact_id")
    assert [(row["subject"], row["before"], row["after"], row["wording"]) for row in rows] == [
        ("subscription", None, "subscribed", "They signed up at the fair."),
        ("subscription", None, "unsubscribed", None),
    ]
    assert {row["origin"] for row in rows} == {f'{{"ref": "{found.id}", "kind": "import"}}'}
    # A second import that changes nothing adds no decisions.
    await imported(shop, b"email\nann@example.com\n")
    assert await count(shop, "contact_decisions") == 2
