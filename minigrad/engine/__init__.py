"""Floor 1: records of operations, and the walk back through them.

``modes``     per-thread switches: recording, anomaly detection, the module call in progress
``node``      ``Op`` (an operation and its derivatives), ``Variable``, ``Node`` (the record)
``backward``  the walk, ``backward`` and ``grad``

The engine knows arrays and nodes; it knows no operation.
"""
