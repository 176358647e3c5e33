"""What the tests of programs share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # So that tests can import the files beside them.
