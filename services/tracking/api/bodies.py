"""Request bodies that several endpoints of messages share."""

from typing import Annotated
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field

from services.tracking.domain.blocks import MOST_VARIANTS, NAME
from services.tracking.domain.mail import Draft, MailContent
from shared.http.bodies import RequestBody

LONGEST_HTML = 2_000_000  # characters; mail programs truncate HTML longer than a tenth of this
LONGEST_TEXT = 500_000


def _trimmed(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text.strip()


def _one_line(text: str) -> str:
    if any(ord(character) < 0x20 or character in "\x7f\u2028\u2029" for character in text):
        raise ValueError("must be a single line, without control characters")
    return text.strip()


def _address(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from None


def _variant(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError("a variant's name must have at most 64 letters, digits, - and _")
    return name


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_trimmed)]
Line = Annotated[str, Field(max_length=998), AfterValidator(_one_line)]
SenderName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line), AfterValidator(_trimmed)]
Address = Annotated[str, Field(min_length=3, max_length=254), AfterValidator(_address)]
Variant = Annotated[str, AfterValidator(_variant)]


class MessageBody(RequestBody):
    """A message: an internal name, its HTML, and the other parts of the mail. Merge tags are filled in in all of
    them."""

    name: Annotated[
        Name, Field(description="The name of the message, which contacts do not see.", examples=["Puppy guide"])
    ]
    html: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_HTML,
            description="The mail, with its blocks.",
            examples=['<p>Read the <a href="https://shop.example/guide">puppy guide</a>.</p>'],
        ),
    ]
    subject: Annotated[Line | None, Field(description="The subject; the fallback, if it has variants.")] = None
    subject_variants: Annotated[
        dict[Variant, Line], Field(max_length=MOST_VARIANTS, description="Texts by variant of the block `subject`.")
    ] = Field(default_factory=dict)
    preheader: Annotated[
        Line | None, Field(description="The text that mail programs show after the subject; hidden in the HTML.")
    ] = None
    sender_id: Annotated[UUID | None, Field(description="The id of the sender.")] = None
    reply_to: Annotated[Address | None, Field(description="The address for replies, instead of the sender's.")] = None
    text: Annotated[
        str | None, Field(max_length=LONGEST_TEXT, description="The text part; generated from the HTML if missing.")
    ] = None

    def draft(self) -> Draft:
        """Return the draft that the body describes."""
        content = MailContent(
            self.subject, dict(self.subject_variants), self.preheader, self.sender_id, self.reply_to, self.text
        )
        return Draft(self.name, self.html, content)
