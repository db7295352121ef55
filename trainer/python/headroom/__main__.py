"""`python -m headroom`: the command where pip's folder of scripts is not on the path."""

import sys

from .cli import main

sys.exit(main())
