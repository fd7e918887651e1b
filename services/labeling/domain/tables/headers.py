"""Recognises columns by their headers, in Dutch, English, French and German."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

Known = Literal["email", "external_id", "labels", "subscription", "language"]

_NAMES: Mapping[Known, str] = {
    "email": """
        email mail emailaddress mailaddress emailadres mailadres emailadresse mailadresse adressemail adresseemail
        adressemel courriel adressecourriel adresseelectronique adresseelectroniqueemail email1 primaryemail
        emailprimary subscriberemail contactemail emailcontact epost eml
        """,
    "external_id": """
        externalid externid externeid externalidentifier klantnummer klantnr klantid klantcode lidnummer lidnr
        relatienummer contactid2 customerid customernumber customerno customernr membernumber memberid clientid
        clientnumber numeroclient nclient noclient idclient codeclient numerodeclient kundennummer kundennr kundenid
        mitgliedsnummer externeidentifiant identifiantexterne subscriberid crmid userid
        """,
    "labels": """
        interesselabels interesselabel interesses interesse interests interest interestlabels interestlabel labels label
        tags tag interets interet centresdinteret centredinteret centresdinterets etiquettes etiquette themes
        interessen themen schlagworte schlagwort schlagworter thema themas interessegebieden interessegebied voorkeuren
        interessenlabels topics
        """,
    "subscription": """
        subscription subscriptionstatus abonnement statusinschrijving inschrijving inschrijvingsstatus emailstatus
        abonnementstatus optin nieuwsbrief newsletter einwilligung statutabonnement inscription subscribed abonniert
        """,
    "language": "language taal langue sprache lang locale taalcode languagecode voorkeurtaal",
}
_BY_NAME: Mapping[str, Known] = {name: known for known, names in _NAMES.items() for name in names.split()}

# Columns that exports have, and that cannot be imported.
NOT_IMPORTED = re.compile(r"(clicks|last_click):.*|contact_id|import_error", re.IGNORECASE)

# Fields that most files have: the key and the name of the new field.
_FIELDS: Mapping[str, str] = {
    "first_name": "voornaam firstname prenom vorname givenname fname roepnaam",
    "last_name": "achternaam familienaam lastname nom nomdefamille nachname surname familyname lname naam",
    "birthday": "geboortedatum verjaardag birthday birthdate dateofbirth dob datedenaissance geburtstag geburtsdatum",
    "city": "stad gemeente woonplaats plaats city town ville stadt ort",
    "country": "land country pays",
    "postal_code": "postcode postalcode zip zipcode codepostal plz postleitzahl",
    "phone": "telefoon telefoonnummer gsm phone phonenumber mobile telephone telefon mobiel",
    "company": "bedrijf organisatie company organisation organization societe entreprise firma unternehmen",
    "gender": "geslacht gender sex genre sexe geschlecht",
}
FIELD_BY_NAME: Mapping[str, str] = {
    name: key for key, names in _FIELDS.items() for name in (key.replace("_", ""), *names.split())
}


def normalized(header: str) -> str:
    """Return a header without case, accents, spaces and punctuation.

    >>> normalized("Centres d'intérêt")
    'centresdinteret'
    """
    decomposed = unicodedata.normalize("NFKD", header.casefold())
    return "".join(
        character for character in decomposed if character.isalnum() and not unicodedata.combining(character)
    )


def known_target(header: str) -> Known | None:
    """Return the target that a header names, or None."""
    return _BY_NAME.get(normalized(header))


def key_from(header: str) -> str:
    """Return a field key made from a header; `column` if no character of the header can be used.

    >>> key_from("Favourite Café 2024")
    'favourite_cafe_2024'
    """
    decomposed = unicodedata.normalize("NFKD", header.casefold()).encode("ascii", "ignore").decode()
    key = re.sub(r"[^a-z0-9]+", "_", decomposed).strip("_")
    if not key or not key[0].isalpha():
        key = f"field_{key}".rstrip("_") if key else "column"
    return key[:50].rstrip("_")
