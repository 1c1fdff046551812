"""A picture as one file for a browser, which needs nothing else: no network, no library, no permission."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from ..description import Picture
from ..dot import to_dot
from ..mermaid import to_mermaid
from ..rendering import render
from ..text import one_line, shortened
from .svg import colours_for_light_and_dark, embedded

FOLDER = Path(__file__).parent
LONGEST_TITLE = 80
TOOLS = """\
<div role="toolbar" aria-label="Picture">
<input type="search" id="search" placeholder="Search" aria-label="Search boxes" autocomplete="off">
<output id="found"></output>
<button id="fold">Fold all</button><button id="unfold">Unfold all</button>
<button id="smaller" aria-label="Smaller">−</button><button id="larger" aria-label="Larger">+</button>
<button id="whole">Whole picture</button><button id="theme">Dark</button>
</div>"""
FILM = """\
<div role="toolbar" aria-label="Steps">
<button id="play">Play</button>
<input type="range" id="step" min="0" value="0" aria-label="Step"><output id="shown"></output>
</div>"""


def to_page(picture: Picture, data: Mapping[str, Any]) -> str:
    """A page with the picture, drawn by the renderer that is there.

    ``data`` is what is known of its boxes. ``frames`` in it are steps of a film: what the page's script shows of each
    instead of the lines that were drawn.

    Raises:
        RenderingError: if there is no renderer, or it failed.
    """
    drawn = render(to_dot(replace(picture, header=" ", theme="light")), "svg").decode()
    svg = embedded(drawn)
    script = text_of("page.js")
    style = text_of("page.css") + colours_for_light_and_dark(svg)
    body = [
        f'<header><h1 id="header">{html.escape(picture.header)}</h1></header>',
        TOOLS,
        *[FILM] * ("frames" in data),
        f'<main><div id="stage">{svg}</div><aside id="details" aria-live="polite"></aside></main>',
        f'<script type="application/json" id="data">{in_script(data)}</script>',
        f"<script>{script}</script>",
    ]
    return whole(picture.header, style, script, body, picture.theme)


def to_plain_page(picture: Picture, problem: str, data: Mapping[str, Any]) -> str:
    """A page with the same facts where nothing can draw: a list of boxes, and the text for Mermaid."""
    body = [
        f'<header><h1 id="header">{html.escape(picture.header)}</h1></header><div class="list">',
        f"<p>There is no picture: {html.escape(problem)}</p>",
        *list_of_boxes(data),
        "<h2>Mermaid</h2><p>Pages such as those of GitHub draw this text:</p>",
        f"<pre>{html.escape(to_mermaid(picture))}</pre></div>",
    ]
    return whole(picture.header, text_of("page.css"), "", body)


def whole(title: str, style: str, script: str, body: list[str], theme: str = "light") -> str:
    """A page that runs its own script and nothing else, even if markup had found a way into it.

    It is in the colours that the reader's browser prefers, or dark if the ``theme`` is.
    """
    dark = ' class="dark"' * (theme == "dark")
    policy = f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src {digest(style)}"
    policy += f"; script-src {digest(script)}" if script else ""
    return "\n".join([
        f'<!DOCTYPE html>\n<html lang="en"{dark}>\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(shortened(one_line(title), LONGEST_TITLE))}</title>",
        f"<style>{style}</style>\n</head>\n<body>",
        *body,
        "</body>\n</html>\n",
    ])  # fmt: skip


def framed(page: str, title: str, about: str) -> str:
    """A page in a frame of a notebook, with scroll bars, below a line for notebooks that leave frames out."""
    untrusted = (
        f"{about}, which notebooks that are not trusted leave out: trust the notebook, or .save('{title}.html')."
    )
    look = "width:100%;height:640px;border:1px solid rgba(128,128,128,0.4)"
    frame = f'<iframe title="{title}" sandbox="allow-scripts" style="{look}" srcdoc="{html.escape(page)}"></iframe>'
    return f"<div>{html.escape(untrusted)}</div>{frame}"


def digest(text: str) -> str:
    """What a policy calls an element with this content."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def in_script(data: Any) -> str:
    """JSON that cannot end the element around it."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def text_of(name: str) -> str:
    """A file beside this one."""
    return (FOLDER / name).read_text(encoding="utf-8")


def list_of_boxes(data: Mapping[str, Any]) -> Iterator[str]:
    """What is known of each box, as a list that opens."""
    for box in data["boxes"].values():
        title = " / ".join(filter(None, [data["clusters"].get(box["cluster"], {}).get("title", ""), box["title"]]))
        lines = [("⚠ " if alarming else "") + text for text, alarming in [*box["lines"], *[[box["mode"], 0]]] if text]
        for tensor in box["tensors"]:
            numbers = [f"{name} {value}" for name, value in tensor["numbers"]]
            lines.append(f"{tensor['name']}: {', '.join([tensor['shape'], tensor['dtype'], *numbers])}")
        operation = data["operations"].get(box.get("operation"))
        rules = [f"gradient of {name}: {text}" for name, text in operation["rules"]] if operation else []
        lines += [operation["formula"], *rules, *operation["example"].splitlines()] if operation else []
        lines += [
            f"saves {name} {shape} {dtype}: {size:,} bytes" for name, shape, dtype, size in box.get("saved") or ()
        ]
        content = html.escape("\n".join(lines))
        yield f"<details><summary>{html.escape(title)}</summary><pre>{content}</pre></details>"
