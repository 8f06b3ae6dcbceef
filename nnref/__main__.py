"""python -m nnref: the command line."""

import sys

from nnref.cli import main

if __name__ == "__main__":
    sys.exit(main())
