"""Recognises unsubscribe links in the languages of Europe: unsubscribing must be possible without being tracked.

A link counts as one if its text, or a part of its URL, is about nothing else. A link to an article about unsubscribing
does not.
"""
# ruff: noqa: RUF001 - words in three alphabets

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote, urlsplit

LONGEST_TEXT = 80
_MOST_WORDS = 9  # longest sentence about leaving that may contain unknown words
# Texts are compared without accents, case and punctuation; a stem matches all its forms.
_LEAVING = (
    # English
    r"(?:click )?unsub(?:s|scri\w*)?|auto opt out|opt(?:ing)? ?outs?|optout|unregister|remove me"
    r"|leave (?:this |the |our )?(?:mailing )?(?:list|newsletter)"
    # Dutch, German, Luxembourgish
    r"|uitschrijv\w*|afmeld(?:en|ing)?|schrijf (?:je|u|me|mij) (?:hier )?uit|meld (?:je|u|me|mij) (?:hier )?af"
    r"|uit te schrijven|af te melden|abmeld(?:en|ung|elink)?|abbestell(?:en|ung)?|austragen|ofmellen"
    r"|meld(?:e|en sie) (?:dich|sich|mich) (?:hier )?ab|trag(?:e|en sie) (?:dich|sich|mich) (?:hier )?aus"
    # French, Spanish, Galician, Catalan, Portuguese, Italian, Romanian
    r"|(?:se |me |vous )?desabonn\w*|(?:se |me |vous )?desinscri\w*|(?:dar(?:se|me|te)?|date) de ba[ij]xa|desuscri\w*"
    r"|(?:dar(?:se|me|te)?|date|quiero darme) de baja|donar? (?:se|te|t|m)? ?de baixa|descadastr\w*|desinscrev\w*"
    r"|sair da lista|cancella(?:ti|mi)|disiscri\w*|dezabon\w*"
    # Nordic
    r"|avregistrer\w*|avprenumerer\w*|avanmal\w*|avmeld\w*|meld (?:deg|meg) av|afmeld|frameld\w*|afskra\w*"
    r"|poistu (?:posti)?listalta"
    # Slavic
    r"|wypisz|wypisac|wypisuje|wypis|rezygnuje|rezygnacja|odhlas(?:it|te|eni|enie|im|uji)\w*|odhlaseni\w*"
    r"|odjav(?:a|i|ite|iti|im|ljivanje)|отпис\w*|отпиш\w*|відпис\w*|адпіс\w*|одјав\w*"
    # Baltic, Finno-Ugric, Greek, Turkish, Celtic, Albanian, Basque
    r"|atsisakyti|atsisakau|nebenoriu gauti|atraksti\w*|loobu(?:n|da|ge)?|leiratkoz\w*"
    r"|καταργηση εγγραφησ|απεγγραφη\w*|διαγραφη"
    r"|listeden cik\w*|diliostail\w*|dad ?danysgrif\w*|cregjistr\w*|cabono\w*|harpidetza utzi"
)
# These mean unsubscribing only together with a word for the list.
_STOPPING = (
    r"cancel|stop|stop receiving|turn off|take me off|(?:do )?not? (?:longer )?(?:wish|want) to receive"
    r"|no longer receive|opzeggen|annuleren|geen(?: \w+)? meer|niet meer|kundigen"
    r"|keine(?: \w+){1,2} mehr|nicht mehr|resilier|ne plus recevoir"
    r"|annuler|cancelar|anular|remover|dejar de recibir|no quiero (?:recibir)?|annullare?|annulla|cancella(?:re)?"
    r"|non voglio|nao quero|cancel la|anuleaza|dezactiveaza|zrezygnuj|rezygn\w*|anuluj|nie chce|zrus\w*|ukoncit"
    r"|otkaz\w*|prekin\w*|откаж\w*|отказ\w*|скасув\w*|не хочу|avslutt?a?|si opp|opsig"
    r"|(?:ikke|inte)(?: \w+){0,2} (?:flere|fler|mere)|segja upp"
    r"|peru|peruuta|lopeta|tuhista|lopetage|anulet|atsisak\w*|lemond\w*|iptal|ayril\w*|cik\w*|hassar|nehhi"
)
_LIST = (
    r"\w*newsletters?\w*|nieuwsbr\w*|nyhetsbr\w*|nyhedsbr\w*|frettabr\w*|uutiskirj\w*|uudiskir\w*|hirlevel\w*"
    r"|naujienlaisk\w*|novic\w*|buletin\w*|biuletyn\w*|boletin\w*|bulten\w*|бюлетин\w*|lettre|obvestil\w*"
    r"|mail\w*|emails?|epost\w*|poster|courriels?|correos?|messages?|mensajes?|mensagens|messaggi|wiadomosc\w*|zprav\w*"
    r"|lists?|liste\w*|lista\w*|verteiler|рассыл\w*|розсил\w*|новост\w*|postituslist\w*"
    r"|subscriptions?|abonn\w*|abonament\w*|abonement\w*|abbonament\w*|abonel\w*|abo|suscripci\w*|su[bs]?scripci\w*"
    r"|subscric\w*|inscric\w*|iscrizion\w*|assinatura\w*|subskrypc\w*|prenumer\w*|odber\w*|pretplat\w*|претплат\w*"
    r"|подписк\w*|підписк\w*|абонамент\w*|tilau\w*|tellimus\w*|feliratk\w*|uyeli\w*|askrift\w*|εγγραφη\w*"
    r"|updates|notifications?"
)
_FILLER_WORDS = """
click tap here now to from this these our all any future further anytime instantly link of the my me you your i want
would like wish can one or and in at by via form us manage preferences if not no longer receive receiving getting e
klik klikken hier om je u jezelf te van voor deze onze de het een alle uit en of wil willen niet meer ontvangen kunt
kan kun dan ik
klicken sie bitte um sich dich mich vom von dem den der die diesem unserem dieser unsere zu und oder mehr erhalten nicht
cliquez ici pour se vous la le les ces cette ce notre nos votre mon d l information diffusion et ou je me lien recevoir
plus a du en
haz haga clic aqui para del este esta por favor y o tu su mi recibir mas
clique aqui da do desta nossa nossos minha sua receber mais clicca qui per dal dalla questa nostra il ricevere piu
klikk klicka her har for att fra fran fran dette dig mig deg meg dit din jeg vil jag motta modtage flere mere fler
kliknij tutaj aby sie z od naszego naszej otrzymywac wiecej kliknete klikni zde pro zo sa se s na sad iz moj
от нашей этой здесь себя се от від ми ја си нас
gauti daugiau siit tasta itt innen iratkozom a az buradan et aboneligi ten den dan no mon
tema hemen hawr
"""
_FILLERS = frozenset(_FILLER_WORDS.split())
_ADDRESS_WORDS = """
page pages user users member members handler confirm confirmation confirmed form click oneclick one global process
public profile account action request index do success done id api web app contact contacts subscriber subscribers
preference preferences settings center centre customer request lp link
"""
_ADDRESS_FILLERS = _FILLERS.union(_ADDRESS_WORDS.split())
_ARTICLE_WORDS = """
how why what when who guide article blog tips reasons reduce rate rates people readers subscribers best improve
hoe waarom warum wieso weshalb wie grunde pourquoi comment porque como perche jak proc hvorfor hvordan varfor miksi как
почему
"""
_ARTICLE = frozenset(_ARTICLE_WORDS.split())
# Questions, articles and statistics about unsubscribing are not unsubscribe links.
_CONTENT_PARAMETER = re.compile(r"q|s|query|search|title|tag|tags|topic|category|utm_\w+", re.IGNORECASE)

_LEAVING_PHRASE = re.compile(rf"(?<!\w)(?:{_LEAVING})(?!\w)")
_LEAVING_ADDRESS = re.compile(rf"(?<!\w)(?:{_LEAVING}|\w*unsubscri\w*|\w*optout\w*)(?!\w)")
_STOPPING_PHRASE = re.compile(rf"(?<!\w)(?:{_STOPPING})(?!\w)")
_LIST_WORD = re.compile(_LIST)
_UNSUBSCRIBE_FROM = re.compile(r"(?:click (?:here )?to )?unsubscribe from(?: \w+){1,3}")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"\w+")
_LETTERS = str.maketrans("ıłøđħ", "ilodh")  # they do not decompose


def says_unsubscribe(text: str) -> bool:
    """Return whether a link's text is only about leaving a list."""
    if len(text) > LONGEST_TEXT:
        return False
    words = _words(text)
    if _is_about_leaving(words, _LEAVING_PHRASE, _FILLERS):
        return True
    # Unknown names of lists and small words are ignored next to a word for the list itself.
    if len(words) > _MOST_WORDS or not _ARTICLE.isdisjoint(words) or re.search(r"[:?\d]", text):
        return False
    sentence = " ".join(words)
    if _UNSUBSCRIBE_FROM.fullmatch(sentence):
        return True
    return _LEAVING_PHRASE.search(sentence) is not None and any(map(_LIST_WORD.fullmatch, words))


def leads_to_unsubscribing(url: str) -> bool:
    """Return whether a part of the URL, such as a segment of its path, is about leaving a list."""
    if url.startswith("#") or url[:7].lower() == "mailto:":
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    segments = [*(parts.netloc.rpartition("@")[2].split(".")[:-2]), *re.split(r"[/.;]", parts.path)]
    segments += re.split("[/?=&]", parts.fragment)
    for pair in re.split("[&;]", parts.query):
        name, _, value = pair.partition("=")
        segments += [name, *([] if _CONTENT_PARAMETER.fullmatch(name) else re.split("[/?]", value))]
    if not parts.scheme:
        segments.append(re.sub(r"\W", " ", url))  # a merge tag
    return any(_segment_is_about_leaving(segment) for segment in segments if len(segment) <= LONGEST_TEXT)


@lru_cache(maxsize=4_096)
def _segment_is_about_leaving(segment: str) -> bool:
    words = _words(_CAMEL.sub(" ", unquote(segment)).replace("_", " "))
    known = [word for word in words if not any(map(str.isdigit, word))]
    return _is_about_leaving(known, _LEAVING_ADDRESS, _ADDRESS_FILLERS)


def _is_about_leaving(words: list[str], phrase: re.Pattern[str], fillers: frozenset[str]) -> bool:
    """Return whether the words only mean leaving a list, or stopping its mails."""
    sentence = " ".join(words)
    if phrase.search(sentence):
        rest = phrase.sub(" ", sentence).split()
        return all(word in fillers or _LIST_WORD.fullmatch(word) for word in rest)
    if not _STOPPING_PHRASE.search(sentence) or not any(map(_LIST_WORD.fullmatch, words)):
        return False
    rest = _STOPPING_PHRASE.sub(" ", sentence).split()
    return all(word in fillers or _LIST_WORD.fullmatch(word) for word in rest)


def _words(text: str) -> list[str]:
    """Return the words of `text` without accents and case."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _WORD.findall(plain.translate(_LETTERS))
