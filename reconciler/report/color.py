"""ANSI colours."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

_GREEN: Final = "32"


_YELLOW: Final = "33"


_RED: Final = "31"


_BOLD: Final = "1"


_OF_SIGN: Final = {"+": _GREEN, "~": _YELLOW, "-": _RED, "-/+": _RED, ".": _RED}


class Paint(Struct, frozen=True):
    """Colours text if *color*, and returns it unchanged otherwise."""

    color: bool

    def bold(self, text: str) -> str:
        """Return *text* in bold."""
        return self._in(_BOLD, text)

    def green(self, text: str) -> str:
        """Return *text* in green."""
        return self._in(_GREEN, text)

    def yellow(self, text: str) -> str:
        """Return *text* in yellow."""
        return self._in(_YELLOW, text)

    def red(self, text: str) -> str:
        """Return *text* in red."""
        return self._in(_RED, text)

    def sign(self, sign: str, width: int) -> str:
        """Return *sign* in its colour, right-aligned in *width* columns."""
        return sign.rjust(width) if not sign else " " * (width - len(sign)) + self._in(_OF_SIGN[sign], sign)

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color else text
