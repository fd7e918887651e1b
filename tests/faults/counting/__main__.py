from shared.runtime.run import run
from tests.faults.counting.app import SERVICE

run(SERVICE)
