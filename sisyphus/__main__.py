"""``python -m sisyphus``, the same as `sisyphus-api-engine`."""

import sys

from sisyphus.cli import main

if __name__ == "__main__":
    sys.exit(main())
