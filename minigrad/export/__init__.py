# Floor 7: imports come from the floors below.
"""A captured model in the words of another tool.

``captures``  a model's forward pass, captured with batches of several sizes
``lengths``   what of it follows from the sizes, by comparison of these captures
``graph``     the ONNX graph that is being written: nodes, constants, names
``forms``     tables: which nodes an operation, and a call of NumPy, becomes
``walk``      the captured program, translated call by call
``onnx``      the file: names, metadata, checks
"""
