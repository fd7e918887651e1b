"""Which workflows are broken: they name something that is gone, themselves or through a segment."""

from services.workflow.domain.program import Program
from services.workflow.use_cases.catalogs import Catalogs
from services.workflow.use_cases.references import reference_faults
from shared.criteria import Fault
from shared.events.envelope import CatalogEvent


class BrokenWorkflows:
    """The faults of each version of a workflow; found once, and again when a catalog has changed."""

    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs
        self._found: dict[int, tuple[Program, list[Fault]]] = {}
        catalogs.catalog.on_change(self._changed)

    def _changed(self, _: CatalogEvent) -> None:
        self._found.clear()

    def faults(self, program: Program) -> list[Fault]:
        """Return what the version names and the account does not have; nothing if all is there."""
        kept = self._found.get(id(program))
        # The program is kept with its faults, so that its identity stays its own.
        if kept is None or kept[0] is not program:
            faults = reference_faults(program.definition, self._catalogs.lookup(program.account_id))
            kept = self._found[id(program)] = (program, faults)
        return kept[1]
