"""Pages in a browser: their elements after a script has used them."""

import html
import json
import re
import shutil
import subprocess

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="needs chromium or google-chrome")
POLICY = re.compile('<meta http-equiv="Content-Security-Policy"[^>]*>')


def facts(page, folder, script, width=1400):
    """What ``script`` returns, a JSON value, when it is run behind the page's own; errors of either are raised."""
    text = POLICY.sub("", page.read_text(encoding="utf-8"))
    tail = f"""<script>
    let said;
    try {{ said = JSON.stringify((() => {{ {script} }})()); }} catch (error) {{ said = JSON.stringify("" + error); }}
    document.body.replaceChildren(Object.assign(document.createElement("pre"), {{ id: "facts", textContent: said }}));
    </script>"""
    used = folder / "used.html"
    used.write_text(text.replace("</body>", tail + "</body>"), encoding="utf-8")
    return json.loads(html.unescape(re.search('<pre id="facts">(.*?)</pre>', dom(used, folder, width), re.DOTALL)[1]))


def dom(page, folder, width=1400):
    """The elements of a page as text, once its scripts have run."""
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += [f"--window-size={width},900", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60).stdout
