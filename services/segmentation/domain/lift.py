"""The effect of a campaign: contacts who were sent the message compared with those held out."""

from dataclasses import dataclass
from math import sqrt

Z = 1.959963984540054  # of a two-sided interval of 95 %
MIN_HELD_OUT = 1000  # with fewer, the interval is meaningless


@dataclass(frozen=True, slots=True)
class Lift:
    """Shares of contacts who did something, their difference, and its 95 % interval; all as fractions."""

    sent: float
    held_out: float
    difference: float
    lowest: float
    highest: float


def lift_of(sent: int, sent_successes: int, held_out: int, held_out_successes: int) -> Lift | None:
    """Return the lift from two numbers of contacts and of successes; None if too few contacts were held out.

    The interval is Newcombe's hybrid score interval for the difference of two proportions (R. G. Newcombe, "Interval
    estimation for the difference between independent proportions", Statistics in Medicine 17, 1998, method 10).
    """
    if held_out < MIN_HELD_OUT or sent == 0:
        return None
    first, second = sent_successes / sent, held_out_successes / held_out
    first_lowest, first_highest = _wilson(sent_successes, sent)
    second_lowest, second_highest = _wilson(held_out_successes, held_out)
    difference = first - second
    lowest = difference - sqrt((first - first_lowest) ** 2 + (second_highest - second) ** 2)
    highest = difference + sqrt((first_highest - first) ** 2 + (second - second_lowest) ** 2)
    return Lift(first, second, difference, lowest, highest)


def _wilson(successes: int, number: int) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion."""
    share = successes / number
    center = (share + Z**2 / (2 * number)) / (1 + Z**2 / number)
    half = Z * sqrt(share * (1 - share) / number + Z**2 / (4 * number**2)) / (1 + Z**2 / number)
    return center - half, center + half
