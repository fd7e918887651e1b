"""Metrics of a service, summed over their labels."""

from services.console.api.service_metrics import sums_in

TEXT = """\
# HELP penchant_consumer_lag_records Records that are in Kafka and not yet applied.
# TYPE penchant_consumer_lag_records gauge
penchant_consumer_lag_records{topic="tracking.clicks"} 3.0
penchant_consumer_lag_records{topic="labeling.labels"} 4.0
# HELP penchant_dead_letters_total Records that went to the dead letters.
# TYPE penchant_dead_letters_total counter
penchant_dead_letters_total{topic="intake.clicks"} 2.0
penchant_dead_letters_created{topic="intake.clicks"} 1.7e+09
# HELP python_info Python
# TYPE python_info gauge
python_info{version="3.11"} 1.0
"""


def test_metrics_are_summed_over_their_labels() -> None:
    assert sums_in(TEXT) == {"lag": 7, "dead_letters": 2}
