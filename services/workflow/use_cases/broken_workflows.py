"""Finds broken workflows, which name something deleted, directly or through a segment."""

from services.workflow.domain.program import Program
from services.workflow.use_cases.catalogs import Catalogs
from services.workflow.use_cases.references import reference_faults
from shared.criteria import Fault
from shared.events.envelope import CatalogEvent


class BrokenWorkflows:
    """A cache of the faults of each version of a workflow, which is cleared when a catalog changes."""

    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs
        self._cache: dict[int, tuple[Program, list[Fault]]] = {}
        catalogs.catalog.on_change(self._changed)

    def _changed(self, _: CatalogEvent) -> None:
        self._cache.clear()

    def faults(self, program: Program) -> list[Fault]:
        """Return a fault for each missing thing that the version names; an empty list if there are none."""
        cached = self._cache.get(id(program))
        # The entry keeps the program alive, so that its identity is not reused.
        if cached is None or cached[0] is not program:
            faults = reference_faults(program.definition, self._catalogs.lookup(program.account_id))
            cached = self._cache[id(program)] = (program, faults)
        return cached[1]
