# Floor 1: imports come from the floors below.
"""How results show themselves: tables as text, Markdown and HTML, and findings with reason and cure."""
