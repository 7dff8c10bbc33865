from __future__ import annotations

import sys
from pathlib import Path

# Helper modules stand beside the tests, and importlib mode leaves sys.path alone.
sys.path.insert(0, str(Path(__file__).parent))
