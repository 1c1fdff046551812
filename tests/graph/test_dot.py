"""The DOT text is the same for the same program, and is made without recursion."""

import pytest

import minigrad as mg
from tests.graph.parsed import Residual


def test_the_same_program_gives_the_same_text():
    def program():
        mg.manual_seed(3)
        model = Residual()
        y = model(mg.randn(5, 4))
        y.sum().backward()
        return mg.draw(y, legend=True), mg.draw(y, legend=True)

    (first, again), (second, _) = program(), program()
    assert first.source == again.source == second.source
    assert first.to_mermaid() == second.to_mermaid()


@pytest.mark.slow
def test_a_long_chain_needs_no_recursion():
    y = mg.ones(1, requires_grad=True)
    for _ in range(20_000):
        y = y * 1.0
    graph = mg.draw(y)
    assert graph.source.count("->") == 20_000
    with pytest.warns(UserWarning, match=r"20,000 edges.*more than Mermaid shows.*save the graph as \.svg"):
        assert graph.to_mermaid().count("-->") == 20_000
    assert "20,001 boxes take long" in graph._repr_mimebundle_()["text/plain"]
