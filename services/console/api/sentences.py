"""Describes the history of labels, engagements and events in sentences."""

from services.console.api.languages import _
from services.console.api.names import Names
from services.console.apis.client import Json


def click_reason(code: str) -> str:
    """Return why a click was judged to be a machine's, or unclear."""
    return {
        "crawler": _("identified itself as a robot"),
        "no_user_agent": _("did not identify itself"),
        "prefetch": _("fetched before anybody clicked"),
        "head": _("checked whether the page exists, without opening it"),
        "method": _("browsers do not open links this way"),
        "hint": _("according to the report of the click"),
    }.get(code, code)


def thing_name(kind: str) -> str:
    """Return the name of a kind of thing within a sentence."""
    return {
        "label": _("label"),
        "field": _("field"),
        "segment": _("segment"),
        "message": _("message"),
        "workflow": _("workflow"),
        "campaign": _("campaign"),
        "link": _("link"),
        "block": _("part of a message"),
        "form": _("form"),
    }.get(kind, kind)


def job_name(kind: str) -> str:
    """Return what a job in the background does."""
    return {
        "label_deletion": _("Deleting a label"),
        "field_deletion": _("Deleting a field"),
        "label_merge": _("Merging labels"),
        "import_check": _("Checking an import"),
        "import_run": _("Importing contacts"),
        "import_undo": _("Undoing an import"),
        "export": _("Exporting contacts"),
        "assignment": _("Changing a label for many contacts"),
        "account_deletion": _("Deleting the account"),
    }.get(kind, kind)


def because(origin: Json, names: Names) -> str:
    """Return what assigned or removed a label."""
    kind = str(origin.get("kind", ""))
    if kind == "click":
        return _(
            'clicked on "%(link)s" in "%(message)s"',
            link=names.link(origin.get("link_id")),
            message=names.message(origin.get("message_id")),
        )
    if kind == "workflow":
        return _('the workflow "%(workflow)s"', workflow=names.workflow(origin.get("workflow_id")))
    ref = origin.get("ref")
    sentences = {
        "manual": _("a person, manually"),
        "api": _("another system, through the API"),
        "import": _("an import of a file"),
        "self": _("the contact itself, on its preference page or a form"),
        "label_deleted": _("the label was deleted"),
        "label_merged": _("the label was merged into another one"),
        "contact_merged": _("two contacts were merged"),
        "reclassified": _("a click turned out not to be a person's"),
        "relabeled": _("the labels of a link were changed"),
        "undo": _("an earlier change was undone"),
    }
    sentence = sentences.get(kind, kind)
    return f"{sentence} ({ref})" if ref and kind in ("api", "self") else sentence


def outcome(entry: Json) -> str:
    """Return the effect of an entry of a label's history."""
    return {
        "assigned": _("Given"),
        "confirmed": _("Confirmed"),
        "removed": _("Taken away"),
        "withdrawn": _("Reason withdrawn"),
        "declined": _("Declined"),
        "refused": _("Refused"),
    }.get(str(entry["outcome"]), str(entry["outcome"]))


def engagement(entry: Json, names: Names) -> str:
    """Return a description of an engagement."""
    message = names.message(entry["message_id"]) if entry.get("message_id") else ""
    ref = entry.get("ref") or ""
    descriptions = {
        "message.sent": _('Was sent "%(message)s"', message=message),
        "message.delivered": _('Received "%(message)s"', message=message),
        "message.opened": _('Opened "%(message)s"', message=message),
        "message.bounced": _('"%(message)s" could not be delivered', message=message),
        "message.skipped": _('"%(message)s" was not sent', message=message),
        "message.complained": _('Marked "%(message)s" as spam', message=message),
        "message.unsubscribed": _("Unsubscribed"),
        "form.submitted": _('Filled in the form "%(ref)s"', ref=ref),
        "survey.answered": _('Answered the survey "%(ref)s"', ref=ref),
        "page.visited": _('Visited the page "%(ref)s"', ref=ref),
    }
    return descriptions.get(entry["kind"], f"{entry['kind']} {ref}".strip())


def verdict(value: str) -> str:
    """Return who made a click."""
    return {"human": _("person"), "machine": _("machine"), "unsure": _("unsure")}.get(value, value)


def subscription(value: str) -> str:
    """Return the name of a subscription."""
    return {
        "subscribed": _("subscribed"),
        "unconfirmed": _("not confirmed yet"),
        "unsubscribed": _("unsubscribed"),
        "bounced": _("bounced"),
        "blocked": _("blocked"),
        "unknown": _("not known whether they want mails"),
    }.get(value, value)


def consent(value: str) -> str:
    """Return the name of a consent to tracking."""
    return {"granted": _("granted"), "denied": _("denied"), "unknown": _("not asked")}.get(value, value)


def run_state(value: str) -> str:
    """Return the name of a run's state."""
    return {
        "running": _("running"),
        "finished": _("finished"),
        "exited": _("left early"),
        "cancelled": _("cancelled"),
        "failed": _("failed"),
        "stopped": _("stopped"),
        "blocked": _("blocked"),
    }.get(value, value)


def state(value: str) -> str:
    """Return the name of a definition's or a job's state."""
    return {
        "draft": _("draft"),
        "active": _("active"),
        "paused": _("paused"),
        "waiting": _("waiting"),
        "queued": _("waiting"),
        "running": _("running"),
        "done": _("done"),
        "failed": _("failed"),
        "cancelled": _("cancelled"),
        "scheduled": _("scheduled"),
        "launching": _("launching"),
        "sending": _("sending"),
        "uploaded": _("uploaded"),
        "checking": _("being checked"),
        "checked": _("checked"),
        "undoing": _("being undone"),
        "undone": _("undone"),
        "hidden": _("hidden"),
        "deleted": _("deleted"),
    }.get(value, value)


def recipient_status(value: str) -> str:
    """Return the name of a recipient's status in a campaign."""
    return {
        "audience": _("in the audience"),
        "requested": _("requested"),
        "waiting": _("waiting"),
        "held_out": _("held out"),
        "skipped": _("skipped"),
        "suppressed": _("not sent to"),
        "not_included": _("not in the audience"),
    }.get(value, value)


def skipped_because(reason: str) -> str:
    """Return why a contact was skipped."""
    return {
        "denied": _("refused tracking"),
        "erased": _("erased"),
        "expired": _("too late"),
        "suppressed": _("suppressed"),
        "unknown": _("no longer known"),
    }.get(reason, subscription(reason))
