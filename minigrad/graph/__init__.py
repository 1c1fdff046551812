# Floor 5: imports come from the floors below.
"""Pictures of what was computed: ``mg.draw``, ``mg.graph``.

A picture shows the operations from the inputs to the loss, with shapes, the modules around them, the running statistics
of BatchNorm, and values and gradients on the page that ``save("graph.html")`` writes. ``film`` draws some training
steps.

>>> model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4))
>>> picture = mg.draw(model(mg.randn(8, 2)).sum(), model=model)
>>> "batch_norm" in picture.source  # and then picture.save("graph.svg")
True

The files:

``appearance``   the colours of kinds and modes
``description``  a picture as plain data: boxes, edges, clusters: what writers and pages read
``text``         texts of a picture: how long they may be, how much room they need
``calls``        which module was called when: names, and what gets a cluster
``wording``      what is said of tensors and operations
``heading``      the line above
``reading``      the engine's records as a description
``replay``       values and gradients of everything in a graph
``opening``      operations opened into their parts
``folding``      modules folded into one box each
``tables``       parameters and buffers as rows of one box
``dot``          a description as DOT text, for Graphviz
``mermaid``      a description as Mermaid text, for pages that draw it themselves
``containers``   tensors inside dicts, lists, tuples and dataclasses
``isolated``     foreign code in a copy of this process, where it may crash or hang
``rendering``    DOT text as SVG, PNG or PDF
``own_pass``     a forward pass that leaves no trace
``both``         training and evaluation in one picture
``pages``        pages for browsers, with what is known of each box
``draw``         ``mg.draw``, and the ``Graph`` it returns, which displays and saves itself
"""

from .draw import Graph
from .pages.film import Film, film

__all__ = ["Film", "Graph", "film"]
