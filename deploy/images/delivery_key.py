"""Creates the API key of delivery, once: `python -m deploy.images.delivery_key FOLDER LABELING_URL`."""

import asyncio
import sys
from pathlib import Path

from deploy.embedded.account import delivery_key


def create_delivery_key(folder: Path, labeling: str) -> bool:
    """Create the key at labeling, and write it to delivery's secrets; return False if it exists already."""
    path = folder / "delivery" / "penchant_delivery_key"
    if path.exists():
        return False
    key = asyncio.run(delivery_key(labeling, (folder / "operator_key").read_text()))
    path.parent.mkdir(parents=True, exist_ok=True)
    incomplete = path.with_suffix(".new")  # renamed when complete, so that an existing file always has a complete key
    incomplete.touch(mode=0o600)
    incomplete.write_text(key)
    incomplete.replace(path)
    return True


if __name__ == "__main__":
    created = create_delivery_key(Path(sys.argv[1]), sys.argv[2])
    sys.stdout.write("The API key of delivery was created\n" if created else "Delivery already has an API key\n")
