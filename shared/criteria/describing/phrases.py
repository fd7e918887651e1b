"""The phrases that sentences about criteria are made of, by language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "nl"]


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases of one language, as templates for `str.format`. A pair is a clause and its opposite."""

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
    a_message: tuple[str, str]
    the_message: tuple[str, str]
    negation: str
    reference: str
    of_message: str
    of_send: str
    counts: Mapping[str, str]
    once: Mapping[str, str]
    top_label: tuple[str, str]
    top_label_among: tuple[str, str]
    more_clicks: tuple[str, str]
    times_as_many: tuple[str, str]
    as_many: tuple[str, str]
    sample: tuple[str, str]
    operators: Mapping[str, tuple[str, str]]
    exists: tuple[str, str]
    attributes: Mapping[str, str]
    subscriptions: Mapping[str, str]
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
        "message.sent": ("who were sent {what}{more}{count}{period}", "who were not sent {what}{more}{period}"),
        "message.delivered": (
            "to whom {what}{more} was delivered{count}{period}",
            "to whom {what}{more} was not delivered{period}",
        ),
        "message.opened": ("who opened {what}{more}{count}{period}", "who did not open {what}{more}{period}"),
        "message.bounced": (
            "from whom {what}{more} bounced{count}{period}",
            "from whom {what}{more} did not bounce{period}",
        ),
        "message.skipped": (
            "for whom {what}{more} was skipped{count}{period}",
            "for whom {what}{more} was not skipped{period}",
        ),
        "message.complained": (
            "who complained about {what}{more}{count}{period}",
            "who did not complain about {what}{more}{period}",
        ),
        "message.unsubscribed": (
            "who unsubscribed in {what}{more}{count}{period}",
            "who did not unsubscribe in {what}{more}{period}",
        ),
        "form.submitted": ("who submitted a form{more}{count}{period}", "who did not submit a form{more}{period}"),
        "survey.answered": ("who answered a survey{more}{count}{period}", "who did not answer a survey{more}{period}"),
        "page.visited": ("who visited a page{more}{count}{period}", "who did not visit a page{more}{period}"),
    },
    other_engagement=("who did “{kind}”{more}{count}{period}", "who did not do “{kind}”{more}{period}"),
    a_message=("a message", "a message"),
    the_message=("the message {name}", "the message {name}"),
    negation="",
    reference=" “{ref}”",
    of_message=" of the message {name}",
    of_send=" in the send {name}",
    counts={"at_least": " at least {n} times", "at_most": " at most {n} times", "exactly": " exactly {n} times"},
    once={"at_least": " at least once", "at_most": " at most once", "exactly": " exactly once"},
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
    as_many=(
        "who clicked at least as much on {name} as on {than}{period}",
        "who clicked less on {name} than on {than}{period}, or on neither",
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
    subscriptions={},
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
        "message.sent": (
            "aan wie{period}{count} {what}{more} is verstuurd",
            "aan wie{period} {what}{more}{negation} is verstuurd",
        ),
        "message.delivered": (
            "bij wie{period}{count} {what}{more} is afgeleverd",
            "bij wie{period} {what}{more}{negation} is afgeleverd",
        ),
        "message.opened": (
            "die{period}{count} {what}{more} hebben geopend",
            "die{period} {what}{more}{negation} hebben geopend",
        ),
        "message.bounced": (
            "bij wie{period}{count} {what}{more} is teruggekomen",
            "bij wie{period} {what}{more}{negation} is teruggekomen",
        ),
        "message.skipped": (
            "voor wie{period}{count} {what}{more} is overgeslagen",
            "voor wie{period} {what}{more}{negation} is overgeslagen",
        ),
        "message.complained": (
            "die{period}{count} over {what}{more} hebben geklaagd",
            "die{period} over {what}{more}{negation} hebben geklaagd",
        ),
        "message.unsubscribed": (
            "die zich{period}{count} in {what}{more} hebben uitgeschreven",
            "die zich{period} in {what}{more}{negation} hebben uitgeschreven",
        ),
        "form.submitted": (
            "die{period}{count} een formulier{more} hebben ingevuld",
            "die{period} geen formulier{more} hebben ingevuld",
        ),
        "survey.answered": (
            "die{period}{count} een enquête{more} hebben beantwoord",
            "die{period} geen enquête{more} hebben beantwoord",
        ),
        "page.visited": (
            "die{period}{count} een pagina{more} hebben bezocht",
            "die{period} geen pagina{more} hebben bezocht",
        ),
    },
    other_engagement=(
        "die{period}{count} “{kind}”{more} hebben gedaan",
        "die{period} “{kind}”{more} niet hebben gedaan",
    ),
    a_message=("een bericht", "geen bericht"),
    the_message=("het bericht {name}", "het bericht {name}"),
    negation=" niet",
    reference=" “{ref}”",
    of_message=" van het bericht {name}",
    of_send=" in de zending {name}",
    counts={"at_least": " minstens {n} keer", "at_most": " hoogstens {n} keer", "exactly": " precies {n} keer"},
    once={"at_least": " minstens 1 keer", "at_most": " hoogstens 1 keer", "exactly": " precies 1 keer"},
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
    as_many=(
        "die{period} minstens even vaak op {name} als op {than} hebben geklikt",
        "die{period} minder vaak op {name} dan op {than} hebben geklikt, of op geen van beide",
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
    subscriptions={
        "subscribed": "ingeschreven",
        "unconfirmed": "niet bevestigd",
        "unsubscribed": "uitgeschreven",
        "bounced": "onbestelbaar",
        "blocked": "geblokkeerd",
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
