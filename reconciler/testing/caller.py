"""Where whoever calls is written: paths in a test are relative to its own file."""

from __future__ import annotations

import sys
from pathlib import Path


def folder_of_caller() -> Path:
    """Return the folder of the file that called our caller; the working folder where it is no file.

    A notebook, a prompt and `python -c` are no files.
    """
    file = Path(sys._getframe(2).f_code.co_filename)  # noqa: SLF001 - as `warnings` does
    return file.parent if file.is_file() else Path()
