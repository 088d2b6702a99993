"""What all tests share."""

import os

# the processes that tests start by the hundred would each compile the sources anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
