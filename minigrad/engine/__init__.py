# Floor 1: imports come from the floors below.
"""Records of operations, and the walk back through them.

``modes``        switches of threads and tasks: recording, anomaly detection, the module call in progress
``dtypes``       the dtype that operands of several are computed in
``node``         ``Variable`` and ``Node`` (the record)
``application``  what applying an operation comes to
``kept``         the arrays that records keep for their derivatives
``op``           ``Op``: an operation and its derivatives; ``entry``: the statement that defines it
``host``         what a step takes from Python and not from arrays, for a step that is written down
``hooks``        functions that look at gradients; ``anomaly``: the first NaN or infinity, and what made it
``ways``         names for parts of derivatives
``walk``         the walk back; ``gradients``: ``backward`` and ``grad``; ``edge``: where they begin and end

The engine knows arrays and nodes; it knows no operation.
"""
