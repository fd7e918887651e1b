"""A marketer's Excel file is imported, corrected, exported and imported again; an import is undone."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from deploy.command_line.app import app
from deploy.command_line.settings import CommandLineSettings
from tests.services.labeling.api.waiting import until
from tests.stack.sandbox import OPERATOR_KEY

EXCEL = (
    "Klantnr;Voornaam;Naam;E-mailadres;Geboortedatum;Interesselabels;Bedrag\r\n"
    "1001;Zoë;Peeters;zoe.peeters@example.com;13/05/1990;Honden, Katten;12,50\r\n"
    "1002;René;D'Hondt;Rene.DHondt@Example.com;1/2/1985;honden;7\r\n"
    ";;;;;;\r\n"
    "1003;Ann;Claes;ann.claes@example.com;30/11/1979;Hodnen;1.250,00\r\n"
    "1004;Bart;Maes;bart.maes@example;4/4/1984;Katten;3\r\n"
    "\r\n"
    "1001;Zoë;Peeters;zoe.peeters@example.com;13/05/1990;Vogels;12,50\r\n"
    ";Totaal;4;;;;1.272,50\r\n"
).encode("cp1252")


def penchant(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def answer(*arguments: str, code: int = 0) -> Any:
    result = penchant(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.fixture
def labeling(command_line: CommandLineSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """Provide an account with three labels, whose key the commands use."""
    url = command_line.url("labeling")
    headers = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    account = httpx.post(f"{url}/v1/accounts", json={"name": "Dierenwinkel"}, headers=headers).json()
    monkeypatch.setenv("PENCHANT_API_KEY", account["api_key"])
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {account['api_key']}"}, timeout=30) as client:
        for name in ("Honden", "Katten", "Vogels"):
            client.post("/v1/labels", json={"name": name}).raise_for_status()
        yield client


def labels_of(labeling: httpx.Client, external_id: str) -> set[str]:
    items = labeling.get(f"/v1/contacts/external:{external_id}/labels").json()["items"]
    return {item["label_name"] for item in items if item["held"]}


def test_a_file_is_imported_corrected_exported_and_undone(labeling: httpx.Client, tmp_path: Path) -> None:
    file = tmp_path / "klanten.csv"
    file.write_bytes(EXCEL)
    chosen = ("--subscription", "subscribed", "--basis", "Klantenkaart")

    only_checked = answer("import", str(file), *chosen, code=1)
    assert only_checked["state"] == "checked"
    assert only_checked["format"] == {"kind": "csv", "encoding": "windows-1252", "delimiter": ";", "header": True}
    assert only_checked["options"]["dates"] == "day_first"
    assert only_checked["options"]["decimal"] == ","
    summary = only_checked["summary"]
    assert (summary["rows"], summary["create"], summary["errors"], summary["duplicates"]) == (6, 2, 3, 1)
    (unknown,) = summary["unknown_labels"]
    assert (unknown["name"], unknown["nearest"][0]["name"]) == ("Hodnen", "Honden")
    assert labeling.get("/v1/contacts").json()["items"] == []

    done = answer("import", str(file), *chosen, "--yes", code=1)
    assert (done["result"]["created"], done["result"]["merged"], done["result"]["errors"]) == (2, 1, 3)
    assert labels_of(labeling, "1001") == {"Honden", "Katten", "Vogels"}
    rene = labeling.get("/v1/contacts/external:1002").json()
    assert (rene["email"], rene["fields"]["birthday"]) == ("Rene.DHondt@example.com", "1985-02-01")

    errors = Path(done["errors_file"])
    refused = list(csv.reader(errors.read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
    assert [row[0] for row in refused] == ["Klantnr", "1003", "1004", ""]
    corrected = (
        errors.read_text(encoding="utf-8-sig").replace("Hodnen", "Honden").replace("maes@example;", "maes@example.com;")
    )
    errors.write_text("\r\n".join(corrected.splitlines()[:-1]), encoding="utf-8")
    second = answer("import", str(errors), *chosen, "--yes")
    assert (second["result"]["created"], second["result"]["errors"]) == (2, 0)
    assert labels_of(labeling, "1003") == {"Honden"}

    exported = tmp_path / "terug.csv"
    assert answer("export", str(exported), "--label", "Honden")["rows"] == 3
    reimported = answer("import", str(exported), "--yes")
    assert (reimported["result"]["unchanged"], reimported["result"]["errors"]) == (3, 0)

    path = f"/v1/imports/{second['id']}"
    planned = labeling.post(f"{path}/undo?dry_run=true&erase_created=true").json()
    assert (planned["contacts"], planned["erased"]) == (2, 1)  # the other one was confirmed by the import of the export
    labeling.post(f"{path}/undo?erase_created=true").raise_for_status()
    until(lambda: labeling.get(path).json()["state"] == "undone")
    assert labels_of(labeling, "1003") == {"Honden"}
    assert labeling.get("/v1/contacts/external:1004").status_code == 404


def test_the_import_command_shows_its_plan_and_refuses_invalid_input(labeling: httpx.Client, tmp_path: Path) -> None:
    file = tmp_path / "klanten.csv"
    file.write_bytes(EXCEL)
    shown = penchant("import", str(file), "--map", "Bedrag=", "--subscription", "unconfirmed")
    assert "windows-1252" in shown.output
    assert "did you mean Honden?" in shown.output
    assert "Nothing was imported" in shown.output
    assert labeling.get("/v1/contacts").json()["items"] == []
    wrong = penchant("import", str(file), "--map", "Leeftijd=age")
    assert wrong.exit_code == 2
    picture = tmp_path / "foto.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    refused = penchant("import", str(picture))
    assert refused.exit_code == 4
    assert "PNG" in refused.output


def test_importing_an_exported_spreadsheet_changes_nothing(labeling: httpx.Client, tmp_path: Path) -> None:
    people = [{"email": f"p{number}@example.com", "labels": ["Honden"]} for number in range(50)]
    labeling.post("/v1/contacts/batch", json=people).raise_for_status()
    file = tmp_path / "contacten.xlsx"
    assert answer("export", str(file))["rows"] == 50
    assert answer("import", str(file), "--yes")["result"]["unchanged"] == 50
