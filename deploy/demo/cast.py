"""The contacts of the demo, and their actions."""

from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "Paws & Co (demo)"
TIME_ZONE = "Europe/Brussels"

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SCANNER = "Mozilla/5.0 (compatible; Barracuda Sentinel (EE))"

LABELS = {
    "Dogs": "Clicked on something for dogs.",
    "Cats": "Clicked on something for cats.",
    "Fish": "Clicked on something for fish.",
    "Spring sale": "Looked at the spring sale.",
    "Nurtured": "Read what the workflow sent.",
    "New arrivals": "Clicked on something that is new.",
}

# The labels of the newsletter's links, by their text.
LINK_LABELS = {
    "Puppy food": ["Dogs"],
    "Rope toys": ["Dogs"],
    "Scratching posts": ["Cats"],
    "Catnip mice": ["Cats"],
    "Aquarium for beginners": ["Fish"],
    "The spring sale": ["Spring sale"],
}

# The campaign's message: its block shows dogs or cats, and all its links carry one label.
BLOCK = "hero"
VARIANTS = {"dogs": "Dogs", "cats": "Cats"}  # the label that each variant is for
CAMPAIGN_LABEL = "New arrivals"


@dataclass(frozen=True, slots=True)
class DemoContact:
    """A contact, and the texts of the links to click. `scanned`: a mail scanner opens all links before."""

    name: str
    city: str
    clicks: tuple[str, ...] = ()
    reads_the_guide: bool = False
    reads_the_campaign: bool = False
    scanned: bool = False

    @property
    def email(self) -> str:
        return f"{self.name.casefold()}@paws-demo.example"


PEOPLE = (
    DemoContact("Anna", "Gent", ("Puppy food", "Rope toys", "Puppy food"), reads_the_guide=True),
    DemoContact("Bram", "Antwerpen", ("Scratching posts", "Catnip mice"), reads_the_campaign=True),
    DemoContact("Chloe", "Gent", ("Rope toys", "Catnip mice")),
    DemoContact("David", "Brugge", ("Aquarium for beginners",)),
    DemoContact("Emma", "Leuven", ("The spring sale",)),
    DemoContact("Farid", "Gent", scanned=True),
    DemoContact("You", "wherever you are"),
)
YOU = PEOPLE[-1]
YOUR_LINK = "Puppy food"


def newsletter(shop: str) -> str:
    """Return the newsletter's HTML; `shop` is the base of its links."""
    return _page("newsletter.html", shop)


def puppy_guide(shop: str) -> str:
    """Return the HTML of the workflow's message."""
    return _page("puppy_guide.html", shop)


def new_arrivals(shop: str) -> str:
    """Return the HTML of the campaign's message."""
    return _page("new_arrivals.html", shop)


def _page(name: str, shop: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8").format(shop=shop)
