"""The phrases that sentences about criteria are made of, by language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "nl"]


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases of one language; braces are filled in. Pairs are a clause and its opposite."""

    everybody: str
    nobody: str
    contacts: str
    and_: str
    or_: str
    either: str
    opposite: str
    opposite_of_group: str
    label: tuple[str, str]
    segment: tuple[str, str]
    clicked: tuple[str, str]
    targets: Mapping[str, str]
    even_refused: str
    engaged: Mapping[str, tuple[str, str]]
    other_engagement: tuple[str, str]
    reference: str
    of_message: str
    of_send: str
    counts: Mapping[str, str]
    top_label: tuple[str, str]
    top_label_among: tuple[str, str]
    more_clicks: tuple[str, str]
    times_as_many: tuple[str, str]
    sample: tuple[str, str]
    operators: Mapping[str, tuple[str, str]]
    exists: tuple[str, str]
    attributes: Mapping[str, str]
    created: tuple[str, str]
    periods: Mapping[str, str]
    since: str
    yes: str
    no: str


ENGLISH = Phrases(
    everybody="All contacts.",
    nobody="No contacts.",
    contacts="Contacts {clauses}.",
    and_="and",
    or_="or",
    either="either {clauses}",
    opposite="for whom it is not true that they are contacts {clause}",
    opposite_of_group="for whom this is not true: ({clause})",
    label=("who hold the label {names}{since}", "who do not hold the label {names}{since}"),
    segment=("who are in the segment {name}", "who are not in the segment {name}"),
    clicked=("who clicked{count} on {target}{period}", "who did not click on {target}{period}"),
    targets={
        "any": "any link",
        "label": "links with the label {name}",
        "message": "links in the message {name}",
        "link": "the link {name}",
        "send": "links in the send {name}",
        "url": "links to {name}",
        "url_starts_with": "links to addresses that begin with {name}",
    },
    even_refused=" (also if they refused the label)",
    engaged={
        "message.sent": ("who were sent a message", "who were not sent a message"),
        "message.delivered": ("to whom a message was delivered", "to whom no message was delivered"),
        "message.opened": ("who opened a message", "who did not open a message"),
        "message.bounced": ("whose message bounced", "whose message did not bounce"),
        "message.skipped": ("for whom a message was skipped", "for whom no message was skipped"),
        "message.complained": ("who complained about a message", "who did not complain about a message"),
        "message.unsubscribed": ("who unsubscribed in a message", "who did not unsubscribe in a message"),
        "form.submitted": ("who submitted a form", "who did not submit a form"),
        "survey.answered": ("who answered a survey", "who did not answer a survey"),
        "page.visited": ("who visited a page", "who did not visit a page"),
    },
    other_engagement=("who did “{kind}”", "who did not do “{kind}”"),
    reference=" “{ref}”",
    of_message=" of the message {name}",
    of_send=" in the send {name}",
    counts={"at_least": " at least {n} times", "at_most": " at most {n} times", "exactly": " exactly {n} times"},
    top_label=("whose most clicked label{period} is {name}", "whose most clicked label{period} is not {name}"),
    top_label_among=(
        "whose most clicked label of {names}{period} is {name}",
        "whose most clicked label of {names}{period} is not {name}",
    ),
    more_clicks=(
        "who clicked more on {name} than on {than}{period}",
        "who did not click more on {name} than on {than}{period}",
    ),
    times_as_many=(
        "who clicked at least {n} times as much on {name} as on {than}{period}",
        "who did not click at least {n} times as much on {name} as on {than}{period}",
    ),
    sample=(
        "who are in the random sample “{seed}” of {percent} percent",
        "who are not in the random sample “{seed}” of {percent} percent",
    ),
    operators={
        "is": ("whose {name} is {value}", "whose {name} is not {value}"),
        "is_not": ("whose {name} is not {value}", "whose {name} is {value}"),
        "in": ("whose {name} is {value}", "whose {name} is not {value}"),
        "less_than": ("whose {name} is less than {value}", "whose {name} is not less than {value}"),
        "greater_than": ("whose {name} is greater than {value}", "whose {name} is not greater than {value}"),
        "between": ("whose {name} is from {value} to {last}", "whose {name} is not from {value} to {last}"),
        "before": ("whose {name} is before {value}", "whose {name} is not before {value}"),
        "after": ("whose {name} is after {value}", "whose {name} is not after {value}"),
        "starts_with": ("whose {name} begins with {value}", "whose {name} does not begin with {value}"),
        "day": ("whose {name} is{period}", "whose {name} is not{period}"),
        "in_next_days": ("whose {name} is in the next {n} days", "whose {name} is not in the next {n} days"),
        "anniversary_within_days": (
            "whose {name} has an anniversary in the next {n} days",
            "whose {name} has no anniversary in the next {n} days",
        ),
    },
    exists=("who have a value for {name}", "who have no value for {name}"),
    attributes={
        "email_domain": "e-mail domain",
        "language": "language",
        "source": "source",
        "subscription": "subscription",
    },
    created=("who were created{period}", "who were not created{period}"),
    periods={
        "today": " today",
        "within_days": " in the last {n} days",
        "older_than_days": " at least {n} days ago",
        "from": " from {first} on",
        "to": " until {last}",
        "both": " from {first} to {last}",
    },
    since=", since a day that was{period}",
    yes="yes",
    no="no",
)

DUTCH = Phrases(
    everybody="Alle contacten.",
    nobody="Geen contacten.",
    contacts="Contacten {clauses}.",
    and_="en",
    or_="of",
    either="ofwel {clauses}",
    opposite="voor wie niet klopt dat het contacten zijn {clause}",
    opposite_of_group="voor wie dit niet klopt: ({clause})",
    label=("die het label {names} hebben{since}", "die het label {names} niet hebben{since}"),
    segment=("die in het segment {name} zitten", "die niet in het segment {name} zitten"),
    clicked=("die{period}{count} op {target} hebben geklikt", "die{period} niet op {target} hebben geklikt"),
    targets={
        "any": "een link",
        "label": "links met het label {name}",
        "message": "links in het bericht {name}",
        "link": "de link {name}",
        "send": "links in de zending {name}",
        "url": "links naar {name}",
        "url_starts_with": "links naar adressen die beginnen met {name}",
    },
    even_refused=" (ook als ze het label hebben geweigerd)",
    engaged={
        "message.sent": ("aan wie een bericht is verstuurd", "aan wie geen bericht is verstuurd"),
        "message.delivered": ("bij wie een bericht is afgeleverd", "bij wie geen bericht is afgeleverd"),
        "message.opened": ("die een bericht hebben geopend", "die geen bericht hebben geopend"),
        "message.bounced": ("bij wie een bericht is teruggekomen", "bij wie geen bericht is teruggekomen"),
        "message.skipped": ("voor wie een bericht is overgeslagen", "voor wie geen bericht is overgeslagen"),
        "message.complained": ("die over een bericht hebben geklaagd", "die niet over een bericht hebben geklaagd"),
        "message.unsubscribed": ("die zich in een bericht hebben uitgeschreven", "die zich niet hebben uitgeschreven"),
        "form.submitted": ("die een formulier hebben ingevuld", "die geen formulier hebben ingevuld"),
        "survey.answered": ("die een enquête hebben beantwoord", "die geen enquête hebben beantwoord"),
        "page.visited": ("die een pagina hebben bezocht", "die geen pagina hebben bezocht"),
    },
    other_engagement=("die “{kind}” hebben gedaan", "die “{kind}” niet hebben gedaan"),
    reference=" “{ref}”",
    of_message=" van het bericht {name}",
    of_send=" in de zending {name}",
    counts={"at_least": " minstens {n} keer", "at_most": " hoogstens {n} keer", "exactly": " precies {n} keer"},
    top_label=(
        "van wie {name} het label is waarop{period} het meest is geklikt",
        "van wie {name} niet het label is waarop{period} het meest is geklikt",
    ),
    top_label_among=(
        "van wie van de labels {names} {name} het label is waarop{period} het meest is geklikt",
        "van wie van de labels {names} {name} niet het label is waarop{period} het meest is geklikt",
    ),
    more_clicks=(
        "die{period} vaker op {name} dan op {than} hebben geklikt",
        "die{period} niet vaker op {name} dan op {than} hebben geklikt",
    ),
    times_as_many=(
        "die{period} minstens {n} keer zo vaak op {name} als op {than} hebben geklikt",
        "die{period} niet minstens {n} keer zo vaak op {name} als op {than} hebben geklikt",
    ),
    sample=(
        "die in de willekeurige steekproef “{seed}” van {percent} procent zitten",
        "die niet in de willekeurige steekproef “{seed}” van {percent} procent zitten",
    ),
    operators={
        "is": ("van wie {name} {value} is", "van wie {name} niet {value} is"),
        "is_not": ("van wie {name} niet {value} is", "van wie {name} {value} is"),
        "in": ("van wie {name} {value} is", "van wie {name} niet {value} is"),
        "less_than": ("van wie {name} kleiner is dan {value}", "van wie {name} niet kleiner is dan {value}"),
        "greater_than": ("van wie {name} groter is dan {value}", "van wie {name} niet groter is dan {value}"),
        "between": (
            "van wie {name} tussen {value} en {last} ligt",
            "van wie {name} niet tussen {value} en {last} ligt",
        ),
        "before": ("van wie {name} voor {value} ligt", "van wie {name} niet voor {value} ligt"),
        "after": ("van wie {name} na {value} ligt", "van wie {name} niet na {value} ligt"),
        "starts_with": ("van wie {name} begint met {value}", "van wie {name} niet begint met {value}"),
        "day": ("van wie {name}{period} valt", "van wie {name} niet{period} valt"),
        "in_next_days": (
            "van wie {name} in de volgende {n} dagen valt",
            "van wie {name} niet in de volgende {n} dagen valt",
        ),
        "anniversary_within_days": (
            "van wie {name} in de volgende {n} dagen verjaart",
            "van wie {name} niet in de volgende {n} dagen verjaart",
        ),
    },
    exists=("van wie {name} is ingevuld", "van wie {name} niet is ingevuld"),
    attributes={
        "email_domain": "het e-maildomein",
        "language": "de taal",
        "source": "de bron",
        "subscription": "de inschrijving",
    },
    created=("die{period} zijn aangemaakt", "die niet{period} zijn aangemaakt"),
    periods={
        "today": " vandaag",
        "within_days": " in de laatste {n} dagen",
        "older_than_days": " minstens {n} dagen geleden",
        "from": " vanaf {first}",
        "to": " tot en met {last}",
        "both": " van {first} tot en met {last}",
    },
    since=", sinds een dag{period}",
    yes="ja",
    no="nee",
)

PHRASES: Mapping[Language, Phrases] = {"en": ENGLISH, "nl": DUTCH}
