"""Floor 6: pictures of a recorded graph.

``description``  a picture as plain data: boxes, edges, clusters, and the colours of their kinds
``calls``        which module was called when: names, and what gets a cluster
``reading``      the engine's records as a description
``dot``          a description as DOT text, for Graphviz
``mermaid``      a description as Mermaid text, for pages that draw it themselves
``draw``         ``mg.draw``, and the ``Graph`` it returns, which displays and saves itself
"""
