"""Exits with 0 if the service at PENCHANT_HEALTH_URL is ready, else with 1 and the reason."""

import os
import sys
import urllib.error
import urllib.request

URL = os.environ.get("PENCHANT_HEALTH_URL", "http://127.0.0.1:8101/health/ready")


def problem() -> str | None:
    """Return why the service is not ready; None if it is."""
    if not URL.startswith("http://"):
        return "PENCHANT_HEALTH_URL must begin with http://"
    try:
        with urllib.request.urlopen(URL, timeout=4):  # noqa: S310 - the scheme was checked to be http
            return None
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")
    except OSError as error:
        return str(error)


if __name__ == "__main__":
    found_problem = problem()
    if found_problem is not None:
        sys.stderr.write(found_problem + "\n")
        sys.exit(1)
