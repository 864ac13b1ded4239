"""Find the file of the caller: paths in a test are relative to the test's own file."""

from __future__ import annotations

import sys
from pathlib import Path


def folder_of_caller() -> Path:
    """Return the folder of the file that called our caller.

    A notebook, a prompt and `python -c` have no file: then it is the working folder.
    """
    file = Path(sys._getframe(2).f_code.co_filename)  # noqa: SLF001 - as `warnings` does
    return file.parent if file.is_file() else Path()
