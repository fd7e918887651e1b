"""The metrics of a service are described in sentences."""

from deploy.command_line.condition import sentences_of
from shared import metrics
from shared.metrics import exposition

METRICS = """
# TYPE penchant_consumer_lag_records gauge
penchant_consumer_lag_records{consumer="labels",topic="tracking.clicks",partition="0"} 1200.0
penchant_consumer_lag_records{consumer="labels",topic="tracking.clicks",partition="1"} 34.0
# TYPE penchant_clicks_lost counter
penchant_clicks_lost_total 0.0
# TYPE penchant_held_records gauge
penchant_held_records{topic="labeling.labels",state="failed"} 2.0
penchant_held_records{topic="intake.clicks",state="waiting"} 0.0
"""


def test_nonzero_metrics_are_summed_over_partitions_and_described() -> None:
    assert sentences_of(METRICS) == [
        "1,234 records behind",
        "2 records could not be processed: `penchant dead-letters list`",
    ]


def test_the_metric_names_match_those_that_services_expose() -> None:
    metrics.CONSUMER_LAG.labels("labels", "tracking.clicks", "0").set(5)
    metrics.HELD_RECORDS.labels("intake.clicks", "waiting").set(1)
    try:
        sentences = sentences_of(exposition().decode())
    finally:
        metrics.CONSUMER_LAG.clear()
        metrics.HELD_RECORDS.clear()
    assert "5 records behind" in sentences
    assert "1 records wait for a contact or message that is not known yet" in sentences
