"""The methods of tensors, by family: each is an operation, one line each."""
