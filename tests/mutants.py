"""`python -m tests.mutants`: break the ledger and the PURE files in one place after another, and see a test go red.

Which files, and which tests are asked, is in setup.cfg. A mutant that no test kills is either a test that is missing
or a change that means the same; those are in `tests/survivors.txt`, each function with the reason.
"""

import subprocess
import sys
from pathlib import Path

from tests.postgres import running_for_all

MUTMUT = Path(sys.executable).with_name("mutmut")


def main() -> int:
    """Run all mutants on one PostgreSQL. Returns 1, and names them, where one survives that is not known to."""
    with running_for_all():
        subprocess.run([MUTMUT, "run", *sys.argv[1:]], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
