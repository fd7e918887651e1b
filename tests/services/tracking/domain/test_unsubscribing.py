"""Unsubscribe links are recognised in every language of Europe; links to articles about unsubscribing are not."""
# ruff: noqa: RUF001 - words in three alphabets

import pytest

from services.tracking.domain.links import find_links
from services.tracking.domain.unsubscribing import leads_to_unsubscribing, says_unsubscribe

TEXTS = [
    "Abmeldung", "Descadastrar", "Annulla iscrizione", "Remove me", "Schrijf je uit",
    "Unsubscribe from all our mail", "Click here to unsubscribe", "Se désabonner", "Darse de baja",
    "Cancelar a subscrição", "Wypisz się", "Odhlásit se z odběru", "Leiratkozás", "Dezabonare", "Отписаться",
    "Відписатися", "Отписване", "Avregistrera", "Avmeld nyhetsbrev", "Afmeld nyhedsbrevet", "Peruuta tilaus",
    "Atrakstīties", "Atsisakyti prenumeratos", "Odjava", "Απεγγραφή", "Abonelikten çık", "Donar-se de baixa",
    "Hier vom Newsletter abmelden", "OPT-OUT", "Klik hier om je uit te schrijven of uitschrijven", "Meld je af",
    "Abmelden", "Newsletter abbestellen", "Vom Newsletter abmelden", "Austragen", "Abbestellen", "Se désinscrire",
    "Désinscription", "Désabonnement", "Je me désabonne", "Me désinscrire", "Se désabonner de la newsletter",
    "Lien de désinscription", "Cancelar suscripción", "Anular suscripción", "Desuscribirse",
    "Dejar de recibir correos", "Disiscriviti", "Cancellati", "Annulla l'iscrizione", "Disiscrizione",
    "Cancellami", "Cancelar inscrição", "Cancelar subscrição", "Descadastre-se", "Sair da lista",
    "Anular subscrição", "Afmelden", "Uitschrijven", "Afmelden voor deze nieuwsbrief",
    "Uitschrijven voor de nieuwsbrief", "Abonnement opzeggen", "Ik wil geen mails meer ontvangen",
    "Zrezygnuj z subskrypcji", "Rezygnacja z subskrypcji", "Anuluj subskrypcję", "Wypisz się z newslettera",
    "Odhlásit odběr", "Odhlášení", "Zrušit odběr", "Odhlásiť sa z odberu", "Zrušiť odber", "Leiratkozom",
    "Leiratkozás a hírlevélről", "Dezabonează-te", "Отпишете се", "Отписаться от рассылки",
    "Отказаться от рассылки", "Відписатися від розсилки", "Διαγραφή", "Κατάργηση εγγραφής", "Afmeld", "Frameld",
    "Afmeld nyhedsbrev", "Avmeld", "Meld deg av", "Meld deg av nyhetsbrevet", "Avprenumerera",
    "Avsluta prenumeration", "Avanmälan", "Avregistrera dig", "Peru uutiskirje", "Lopeta tilaus",
    "Poistu listalta", "Loobu", "Tühista tellimus", "Lõpeta tellimus", "Anulēt abonementu", "Atsisakyti",
    "Atsisakyti naujienlaiškio", "Nebenoriu gauti", "Odjavi se", "Otkaži pretplatu", "Odjava s newslettera",
    "Odjava od e-novic", "Çregjistrohu", "Çabonohu", "Listeden çık", "Aboneliği iptal et", "Üyelikten ayrıl",
    "Díliostáil", "Dad-danysgrifio", "Cancel·la la subscripció", "Afskrá", "Afskráning", "Darse de baixa",
    "Cancelar a subscrición", "Одјави се", "Откажи претплата", "Адпісацца", "Ofmellen", "Unsubscribe", "Opt out",
    "Leave this list", "Stop these emails", "Remove me from this list", "I no longer wish to receive these emails",
    "Cancel subscription", "Cancel my subscription", "Turn off these emails", "Unsubscribe from Acme News",
    "Unsubscribe from this list", "Unsubscribe instantly", "Unsubscribe here.", "unsubscribe »",
    "Click here if you no longer wish to receive our emails", "Unsubscribe / Manage preferences",
    "Vom Acme-Newsletter abmelden", "Je uitschrijven voor de Acme nieuwsbrief",
    "Se désabonner de la newsletter Acme", "Ħassar l-abbonament", "Odhlásit z newsletteru", "Unregister",
    "Stop emails", "Opt-out of emails", "Opt out of all future mailings", "Geen mails meer ontvangen",
    "Ne plus recevoir nos e-mails", "Keine E-Mails mehr erhalten", "No quiero recibir más correos",
    "Nie chcę otrzymywać wiadomości", "Jeg vil ikke motta flere e-poster", "Non voglio più ricevere email",
    "UNSUBSCRIBE", "Unsubscribe from all", "Neħħi l-abbonament", "Leave this newsletter", "Unsubscribe me",
    "Schrijf me uit", "Schrijf u hier uit", "Meld mij af", "Klik hier om af te melden", "Uitschrijving",
    "Afmelding",
]  # fmt: skip
OTHER_TEXTS = [
    "Uitschrijven bij de KvK: zo doe je dat", "How to opt out of AI training", "Auto online abmelden",
    "Opt out of AI training", "Opt out of cookies", "Opt out of ad tracking", "Uitschrijven bij de gemeente",
    "Afmelden voor het examen", "Abmeldung beim Einwohnermeldeamt", "Auto abmelden", "Wohnsitz abmelden",
    "Gewerbe abmelden", "Hund abmelden", "Désinscription de l'université", "Se désinscrire de Pôle emploi",
    "Cancellati i voli", "Voli cancellati", "Odjava vozila", "Odjava vozila online", "Wypisz receptę",
    "Zrezygnuj z mięsa", "Rezygnacja z pracy", "Loobu suhkrust", "διαγραφή χρέους", "Darse de baja de autónomos",
    "Baja laboral", "Unsubscribe from Netflix in 3 steps", "Why people unsubscribe",
    "5 reasons people unsubscribe", "How to unsubscribe from any newsletter", "Remove meat from your diet",
    "Remove me and win", "The unsubscribe button, redesigned", "Reduce your unsubscribe rate",
    "Opt out: what the new law means", "Uitschrijven uit de universiteit", "Afmelden school",
    "Kindergarten abmelden", "Leave this world behind", "Stop smoking", "Leave us a message", "Leave a message",
    "Ikke abonnent", "Geen abonnement", "Inte prenumerant", "Send a message", "Liste de mariage",
    "Stop mail fraud", "Stop these pests", "Cancel culture", "Cancel your trip for free", "Cancel anytime",
    "Austragung der Weltmeisterschaft", "Austragungsort", "Afmeld dig fra A-kassen", "Avregistrera bil",
    "Avmeld deg fra NAV", "Отписки чиновников", "Unsubbed: the podcast", "Loobumine", "Odhlásit auto",
    "Odjava boravka", "Leirat", "Subscribe", "Abonnieren", "Aanmelden", "Inschrijven", "Manage preferences",
    "Unsubtle colours", "Отказ от курения", "Odjavna špica", "Abmeldebescheinigung", "Opt-out organ donation",
    "Exportation", "Remove members", "Take me off road", "Take me off the grid", "Turn off the lights",
    "Schrijf je in", "Meld je aan", "Wypisz czek", "Peruuta varaus", "Annulla volo", "Turn off these lights",
]  # fmt: skip
ADDRESSES = [
    "https://a.example/AutoOptOut.cfm", "https://a.example/email-unsubscribe",
    "https://a.example/x?action=unsubscribe", "https://unsubscribe.shop.example/x",
    "https://a.example/list_unsub/1", "https://a.example/newsletter/afmelden", "https://a.example/unsub.php?x=1",
    "https://a.example/UnsubscribePage.aspx", "https://a.example/wf/unsubscribe?upn=x",
    "https://a.example/track/unsub?u=1", "https://a.example/emailOptOut", "https://a.example/opt-out",
    "https://a.example/optout.html", "https://a.example/uitschrijven", "https://a.example/unsubscribe/abc123",
    "https://a.example/?unsubscribe=1", "https://a.example/oneclick-unsubscribe",
    "https://a.example/lists/?p=unsubscribe&uid=1", "https://a.example/desinscription",
    "https://a.example/d%C3%A9sinscription", "https://a.example/se-desinscrire", "https://a.example/abmelden",
    "https://a.example/newsletter-abmeldung", "https://a.example/nieuwsbrief-uitschrijven",
    "https://a.example/profile/unsubscribe_all", "https://a.example/darse-de-baja", "https://a.example/remove-me",
    "https://a.example/annulla-iscrizione", "https://a.example/odjava", "https://a.example/unsubscribe_confirm",
    "https://a.example/global_unsubscribe", "https://list-manage.example/unsubscribe?u=1",
    "https://a.example/cancelar-suscripcion", "https://a.example/unsubscribeUser.do",
    "https://a.example/#/unsubscribe", "https://a.example/UNSUB", "https://a.example/avmeld",
    "https://a.example/public/unsubscribe.jsp", "https://a.example/member/unsubscribe_member",
]  # fmt: skip
OTHER_ADDRESSES = [
    "https://a.example/how-to-unsubscribe", "https://a.example/why-so-many-people-unsubscribe-from-lists",
    "https://kfz.example/auto-abmelden", "https://kfz.example/auto-online-abmelden",
    "https://kvk.example/uitschrijven-bij-kvk", "https://a.example/uitschrijven-kvk",
    "https://a.example/reduce-unsubscribes", "https://a.example/unsubscribe-rate-benchmarks",
    "https://news.example/opt-out-ai-training", "https://a.example/blog/unsubscribe-button-design",
    "https://a.example/opt-out-organ-donation", "https://a.example/subscribe", "https://a.example/unsubtle",
    "https://a.example/wohnsitz-abmelden", "https://a.example/gewerbe-abmeldung",
    "https://a.example/odjava-vozila", "https://a.example/x?utm_campaign=unsubscribe-article",
    "https://a.example/x?q=unsubscribe", "https://a.example/x?title=opt+out+explained",
    "https://a.example/guide/opt-out-explained", "https://a.example/2024/unsubscribe-movie-review",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_unsubscribe_texts_are_recognised_in_the_languages_of_europe(text: str) -> None:
    assert says_unsubscribe(text)


@pytest.mark.parametrize("text", OTHER_TEXTS)
def test_other_texts_are_not_recognised(text: str) -> None:
    assert not says_unsubscribe(text)


@pytest.mark.parametrize("url", ADDRESSES)
def test_unsubscribe_urls_are_recognised(url: str) -> None:
    assert leads_to_unsubscribing(url)


@pytest.mark.parametrize("url", OTHER_ADDRESSES)
def test_other_urls_are_not_recognised(url: str) -> None:
    assert not leads_to_unsubscribing(url)


def test_an_unsubscribe_link_is_not_tracked_and_an_article_is() -> None:
    html = '<a href="https://a.example/1">Abmeldung</a><a href="https://a.example/2">Auto online abmelden</a>'
    assert [link.reason for link in find_links(html)] == ["unsubscribe", None]
