"""Texts of a picture: no longer than can be read, and how much room they need."""

from __future__ import annotations

import unicodedata

LONGEST = 100
"""Characters of a name, a title or a line that are shown; the whole is in its tooltip."""
LONGEST_HEADER, LONGEST_TOOLTIP = 400, 1000

GLYPHS = {
    35: " ',./:;IJ\\ijl|", 40: "!()-[]ft", 46: '"r', 53: "*?_`sz", 60: "FLPckvxy",
    65: "$0123456789ETYabdeghnopqu{}", 70: "AKRSXVZBC", 79: "&DGHNOQU", 84: "#+<=>^w~", 98: "%Mm", 100: "@W",
}  # fmt: skip
"""Printable ASCII by the width of its glyphs in DejaVu Sans, the widest of the usual fonts: hundredths of the size."""
WIDTHS = bytes(next((width for width, some in GLYPHS.items() if chr(code) in some), 70) for code in range(256))
BOLD = 1.13
"""How much wider bold text is."""


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text, or its beginning and its end if it is too long; what cannot be printed is a space."""
    if len(text) > longest:
        end = longest // 3
        text = f"{text[: longest - end - 1]}…{text[-end:]}"
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def one_line(text: str) -> str:
    """The lines of a text behind each other."""
    return "   ".join(text.splitlines())


def points(text: str, size: float, bold: bool = False) -> int:
    """The width that a text takes up at most in the fonts that a viewer may have."""
    hundredths = sum(text.encode("ascii", "replace").translate(WIDTHS))
    if not text.isascii():
        hundredths += sum(50 if unicodedata.east_asian_width(c) in "WF" else 30 for c in text if not c.isascii())
    return round(hundredths * size / 100 * (BOLD if bold else 1))
