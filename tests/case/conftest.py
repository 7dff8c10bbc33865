from __future__ import annotations

import sys
from pathlib import Path

# With import-mode=importlib a folder's modules do not see each other; what these tests load with is such a module.
sys.path.insert(0, str(Path(__file__).parent))
