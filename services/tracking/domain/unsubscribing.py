"""Links by which people leave a list, in the languages of Europe. They must be able to leave without being followed.

A link is taken for one if its text is about nothing else, or its address has a part that is about nothing else. An
article about unsubscribing is a link like any other.
"""

import re
import unicodedata
from urllib.parse import unquote, urlsplit

LONGEST_TEXT = 80
_MOST_FURTHER_WORDS = 4
# Without accents and case; a stem stands for its forms.
_PHRASES = (
    # English
    r"unsub\w*|opt(?:ing)?[ _-]?outs?|optout|remove me|stop receiving"
    r"|(?:do )?no(?:t|longer)? wish to receive|take me off"
    # Dutch, German
    r"|uitschrijv\w*|afmeld\w*|schrijf (?:je|u|me|mij) (?:hier )?uit|meld (?:je|u|me|mij) (?:hier )?af"
    r"|uit te schrijven|af te melden"
    r"|abmeld\w*|abbestell\w*|austrag\w*|meld(?:e|en sie) (?:dich|sich|mich) (?:hier )?ab"
    # French, Spanish, Catalan, Portuguese, Italian, Romanian
    r"|desabonn\w*|desinscri\w*|(?:dar(?:se|me|te)?|date) de baja|desuscri\w*|cancelar (?:la |mi |tu )?su[bs]?scripcion"
    r"|anular (?:la |mi |tu )?su[bs]?scripcion|donar?-?(?:se|te|t)? de baixa|descadastr\w*"
    r"|(?:cancelar|anular|remover) (?:a |minha |sua )?(?:subscricao|inscricao|assinatura)"
    r"|annulla(?:re)? (?:l.)?iscrizione|cancella(?:re)? (?:l.)?iscrizione|cancellati|disiscri\w*|dezabon\w*"
    # Nordic
    r"|avregistrer\w*|avprenumerer\w*|avanmal\w*|avmeld\w*|meld (?:deg|meg) av|afmeld\w*|frameld\w*|afskra\w*"
    r"|avslutt abonnement\w*|peru(?:uta)? (?:uutiskirjeen )?tilau\w*"
    # Slavic
    r"|wypisz\w*|wypisac\w*|zrezygnuj\w*|anuluj subskrypcj\w*|odhlas\w*|odjav\w*|odhlaseni\w*"
    r"|отпис\w*|отказ\w* от (?:рассылк|подписк)\w*|відпис\w*|скасувати підписк\w*|отпиши\w*|одјав\w*"
    # Baltic, Finno-Ugric, Greek, Turkish, Celtic, Albanian, Basque
    r"|atsisak\w*|atraksti\w*|loobu\w*|tuhista (?:tellimus|uudiskir)\w*|leirat\w*|καταργηση εγγραφης|απεγγραφη\w*"
    r"|διαγραφη\w*|abonelik\w* (?:iptal|cik)\w*|listeden cik\w*|diliostail\w*|dad-?danysgrif\w*|cregjistr\w*|cabono\w*"
    r"|harpidetza utzi"
)
_PHRASE = re.compile(rf"(?<!\w)(?:{_PHRASES})(?!\w)")
_FILLER_WORDS = """
click tap here now to from this these our all any future further list lists mailing mailings newsletter newsletters
mail mails email emails e message messages update updates notification notifications please link of the my me you your
i want would like wish can anytime instantly one or and in at by via form us preferences manage
klik klikken hier om je u jezelf te van voor deze onze de het een alle nieuwsbrief nieuwsbrieven mailinglijst uit en of
wil willen niet meer ontvangen kunt kan kun dan
klicken sie bitte um sich dich mich vom von dem den der diesem unserem newslettern verteiler zu und oder
cliquez ici pour se vous la le les ces cette notre nos lettre d information liste diffusion et ou
haz haga clic aqui para del este esta lista boletin correo correos por favor y o
clique aqui da do desta nossa nossos clicca qui per dal dalla questa nostra
klikk her for a fra dette nyhetsbrev nyhetsbrevet klicka har att fran dig mig
kliknij tutaj aby sie z od newslettera listy kliknete zde pro odberu novinek
"""
_FILLERS = frozenset(_FILLER_WORDS.split())
_HOW = frozenset({"how", "why", "what", "when", "guide", "article", "blog", "tips", "hoe", "wie", "warum", "comment"})
_LETTERS = str.maketrans("ıłøđ", "ilod")  # they do not decompose
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"\w+")
_URL_PHRASE = re.compile(
    r"unsub\w*|optout|opt out|uitschrijv\w*|afmeld\w*|abmeld\w*|abbestell\w*|desabonn\w*|desinscri\w*|desuscri\w*"
    r"|disiscri\w*|descadastr\w*|dezabon\w*|avregistrer\w*|avmeld\w*|wypisz\w*|odhlas\w*|odjav\w*|leirat\w*"
)


def says_unsubscribe(text: str) -> bool:
    """Return whether a link's text is about leaving a list, and nothing else."""
    if len(text) > LONGEST_TEXT:
        return False
    plain = _plain(text)
    phrase = _PHRASE.search(plain)
    if phrase is None:
        return False
    before, after = _WORD.findall(plain[: phrase.start()]), _WORD.findall(plain[phrase.end() :])
    if not all(word in _FILLERS for word in before):
        return False
    if all(word in _FILLERS or _PHRASE.fullmatch(word) for word in after):
        return True
    # What follows is in a language whose small words are not listed; a name or a headline has capitals or a colon.
    rest = _WORD.findall(text)[len(_WORD.findall(plain[: phrase.end()])) :]
    return len(rest) <= _MOST_FURTHER_WORDS and all(word.islower() for word in rest) and ":" not in text


def leads_to_unsubscribing(url: str) -> bool:
    """Return whether a part of the address, such as a segment of its path, is about leaving a list."""
    if url.startswith("#") or url[:7].lower() == "mailto:":
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    segments = [*(parts.netloc.rpartition("@")[2].split(".")[:-2]), *re.split(r"[/.;]", parts.path)]
    segments += re.split(r"[&=;/?]", f"{parts.query}&{parts.fragment}")
    if not parts.scheme:
        segments.append(re.sub(r"\W", " ", url))  # a merge tag
    return any(_is_about_leaving(segment) for segment in segments if len(segment) <= LONGEST_TEXT)


def _is_about_leaving(segment: str) -> bool:
    words = _WORD.findall(_plain(_CAMEL.sub(" ", unquote(segment)).replace("_", " ")))
    if not words or len(words) > _MOST_FURTHER_WORDS or _HOW.intersection(words):
        return False
    return _URL_PHRASE.search(" ".join(words)) is not None


def _plain(text: str) -> str:
    """Return `text` without accents and case."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character)).translate(_LETTERS)
