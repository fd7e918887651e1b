"""Time zones to choose from."""

from zoneinfo import available_timezones

_REGIONS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")

TIME_ZONES = ("UTC", *sorted(zone for zone in available_timezones() if zone.startswith(_REGIONS)))
