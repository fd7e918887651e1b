"""The fast histogram gives the same output as the library's own."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from shared.metrics import QuickHistogram, exposition

BUCKETS = (0.001, 0.01, 0.1, 1.0)


@given(st.lists(st.tuples(st.sampled_from([302, 404]), st.sampled_from([0.0005, 0.001, 0.002, 0.1, 0.5, 7.0]))))
def test_the_fast_histogram_counts_like_the_one_of_the_library(observations: list[tuple[int, float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    quick = QuickHistogram("seconds", "Seconds.", BUCKETS, ours)
    plain = Histogram("seconds", "Seconds.", ("status",), buckets=BUCKETS, registry=theirs)
    for status, seconds in observations:
        quick.observe(status, seconds)
        plain.labels(str(status)).observe(seconds)

    def lines(registry: CollectorRegistry) -> set[str]:
        return {line for line in generate_latest(registry).decode().splitlines() if "_created" not in line}

    assert lines(ours) == lines(theirs)


def test_the_exposition_includes_the_metrics_of_the_runtime() -> None:
    text = exposition().decode()
    for name in ("consumer_lag_records", "unpublished_age_seconds", "dead_letters_total", "redirect_seconds"):
        assert f"penchant_{name}" in text
