"""Floor 1: how results show themselves: tables as text, Markdown and HTML, and findings with reason and cure."""
