"""The criterion grammar: read, write, validate, evaluate for one contact. What it means: `shared.criteria.grammar`."""

from shared.criteria.account_lookup import AccountLookup
from shared.criteria.content import FALLBACK, Block, Variant, decide_content, read_blocks
from shared.criteria.evaluation import Evaluation, evaluate
from shared.criteria.facts import (
    ClickFact,
    ContactFacts,
    EngagementFact,
    Facts,
    History,
    LabelClicks,
    attributes_of,
    click_fact,
    engagement_fact,
    refuses,
    taken_over_by,
)
from shared.criteria.grammar import Criterion, Fault, InvalidCriterion
from shared.criteria.merged_labels import MergedLabels, with_merged_labels
from shared.criteria.parsing import parse
from shared.criteria.references import References, inline_segments, moves_with_the_day, references, would_circle
from shared.criteria.truth import is_true
from shared.criteria.validation import Existence, Lookup, validate
from shared.criteria.writing import write

__all__ = [
    "FALLBACK",
    "AccountLookup",
    "Block",
    "ClickFact",
    "ContactFacts",
    "Criterion",
    "EngagementFact",
    "Evaluation",
    "Existence",
    "Facts",
    "Fault",
    "History",
    "InvalidCriterion",
    "LabelClicks",
    "Lookup",
    "MergedLabels",
    "References",
    "Variant",
    "attributes_of",
    "click_fact",
    "decide_content",
    "engagement_fact",
    "evaluate",
    "inline_segments",
    "is_true",
    "moves_with_the_day",
    "parse",
    "read_blocks",
    "references",
    "refuses",
    "taken_over_by",
    "validate",
    "with_merged_labels",
    "would_circle",
    "write",
]
