#!/usr/bin/env bash
# nbconvert 7.17.2 with bleach 6.4.0: what does a page show of an HTML table when the notebook is exported with
# sanitize_html=True?
#
# Expected: the table, without scripts and styles that could do harm.
# Seen: tags that every table of pandas or scikit-learn has are shown as text: <th> and <p> stand on the page as markup,
# while <table>, <tr> and <td> are kept.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q nbconvert==7.17.2 bleach==6.4.0 nbformat ipykernel
"$folder/venv/bin/python" - <<'PY'
import nbformat
from nbconvert import HTMLExporter

table = "<p>two</p><table><tr><th>name</th></tr><tr><td>value</td></tr></table>"
cell = nbformat.v4.new_code_cell("table")
cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": table})]
notebook = nbformat.v4.new_notebook(cells=[cell])
exporter = HTMLExporter(sanitize_html=True)
page, _ = exporter.from_notebook_node(notebook)
print("shown as text:", [tag for tag in ("p", "th", "td", "tr", "table") if f"&lt;{tag}&gt;" in page])
assert "&lt;th&gt;name" in page and "&lt;p&gt;two" in page and "<td>value</td>" in page
print("as described")
PY
