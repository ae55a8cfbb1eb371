"""`python -m tests.mutants`: break the ledger and the PURE files in one place after another, and see a test go red.

Which files are broken and which tests are asked is in `setup.cfg`; words of errors and findings are left alone there.
A mutant that no test kills is a test that is missing, or a change that means the same. Those of today are counted for
each function in `tests/survivors.txt`; the run fails where there are more.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.postgres import running_for_all

MUTMUT = Path(sys.executable).with_name("mutmut")
SURVIVORS = Path(__file__).with_name("survivors.txt")


def main() -> int:
    """Run the mutants, all or those that are named. Returns 1, and says where, if more survive than are known to."""
    with running_for_all():
        subprocess.run([MUTMUT, "run", *sys.argv[1:]], check=True)
    said = subprocess.run([MUTMUT, "results"], check=True, capture_output=True, text=True).stdout
    survived = Counter(re.findall(r"^\s*(\S+)__mutmut_\d+: survived$", said, re.MULTILINE))
    known = {function: int(count) for count, function in re.findall(r"^(\d+) (\S+)$", SURVIVORS.read_text(), re.M)}
    grown = {function: count for function, count in survived.items() if count > known.get(function, 0)}
    for function, count in sorted(grown.items()):
        sys.stderr.write(f"{count} {function}: {known.get(function, 0)} were known to survive\n")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
