"""``Generator``: random states of one's own, and the process's."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, ops
from minigrad.compile import capture

X = mg.full((3, 4), 0.5)

DRAWS = {
    "rand": lambda g, x=X: mg.rand(3, 4, generator=g),
    "randn": lambda g, x=X: mg.randn(3, 4, generator=g),
    "randint": lambda g, x=X: mg.randint(100, (3, 4), generator=g),
    "randperm": lambda g, x=X: mg.randperm(20, generator=g),
    "rand_like": lambda g, x=X: mg.rand_like(X, generator=g),
    "randn_like": lambda g, x=X: mg.randn_like(X, generator=g),
    "randint_like": lambda g, x=X: mg.randint_like(X, 100, generator=g),
    "normal": lambda g, x=X: mg.normal(0, 1, (3, 4), generator=g),
    "normal of tensors": lambda g, x=X: mg.normal(X, X, generator=g),
    "bernoulli": lambda g, x=X: mg.bernoulli(mg.full((100,), 0.5), generator=g),
    "bernoulli p": lambda g, x=X: mg.zeros(100).bernoulli(0.5, generator=g),
    "multinomial": lambda g, x=X: X.multinomial(20, True, generator=g),
    "multinomial once": lambda g, x=X: mg.ones(3, 10).multinomial(4, generator=g),
    "uniform_": lambda g, x=X: (x * 1).uniform_(generator=g),
    "normal_": lambda g, x=X: (x * 1).normal_(generator=g),
    "bernoulli_": lambda g, x=X: (x * 0).bernoulli_(generator=g),
    "random_": lambda g, x=X: (x * 1).random_(generator=g),
    "exponential_": lambda g, x=X: (x * 1).exponential_(generator=g),
    "log_normal_": lambda g, x=X: (x * 1).log_normal_(generator=g),
    "cauchy_": lambda g, x=X: (x * 1).cauchy_(generator=g),
    "geometric_": lambda g, x=X: (x * 0).geometric_(0.1, generator=g),
    "dropout": lambda g, x=X: ops.dropout(mg.ones(100), 0.5, g or mg.default_generator),
}


def new(seed=3):
    return mg.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", DRAWS)
def test_draws_come_from_the_generator(name):
    draw, before = DRAWS[name], mg.get_rng_state()
    generator = new()
    first, second = draw(generator).tolist(), draw(generator).tolist()
    assert draw(new()).tolist() == draw(np.random.Generator(np.random.PCG64(3))).tolist() == first != second
    assert mg.get_rng_state() == before
    mg.manual_seed(3)
    assert draw(None).tolist() == first
    if name != "dropout":
        with pytest.raises(TypeError, match=r"generator must be a mg\.Generator"):
            draw(7)


@pytest.mark.parametrize("name", DRAWS)
def test_a_captured_step_draws_anew_at_each_replay(name):
    draw, generator = DRAWS[name], new()
    program, first = capture(lambda x: draw(generator, x) * x.sum(), X, state=[])
    found, eager = [first, program.run(X), program.run(X)], new()
    for y in found:
        np.testing.assert_allclose(y, (draw(eager) * X.sum()).numpy(), rtol=1e-6)
    assert generator.get_state() == eager.get_state()


def test_a_new_generator_starts_from_the_same_seed():
    assert mg.Generator().get_state() == mg.Generator(device="cpu").get_state() == mg.Generator("cpu").get_state()
    assert mg.Generator().initial_seed() == 67280421310721  # PyTorch's
    assert mg.Generator().device == mg.device("cpu")


def test_its_methods():
    generator = mg.Generator()
    assert generator.manual_seed(5) is generator and generator.initial_seed() == 5
    assert generator.get_state() == np.random.PCG64(5).state
    state, twin = generator.get_state(), generator.clone_state()
    first = generator.random()
    assert twin.random() == first and twin.initial_seed() == 5
    generator.set_state(state)
    assert generator.random() == first and generator.initial_seed() == 5
    seeds = {generator.seed() for _ in range(3)}
    assert len(seeds) == 3 and generator.initial_seed() in seeds
    assert generator.get_state() == np.random.PCG64(generator.initial_seed()).state
    assert len({child.random() for child in generator.spawn(2)}) == 2


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_copies_go_on_alike_and_apart(copied):
    generator = new()
    generator.random()
    other = copied(generator)
    assert type(other) is mg.Generator and other.initial_seed() == 3
    assert [other.random() for _ in range(2)] == [generator.random() for _ in range(2)]


@pytest.mark.parametrize("wrong", [-1, 1.5, "a", None, True])
def test_a_seed_that_is_refused_changes_nothing(wrong):
    generator = new()
    state = generator.get_state()
    with pytest.raises(ValueError, match="a seed must be an integer of at least 0"):
        generator.manual_seed(wrong)
    assert generator.get_state() == state and generator.initial_seed() == 3


def test_the_process_has_one_of_its_own():
    assert mg.manual_seed(4) is mg.default_generator is mg.random.default_generator
    assert mg.initial_seed() == mg.random.initial_seed() == 4
    assert mg.default_generator.get_state() == mg.get_rng_state() == mg.random.get_rng_state()
    found = mg.seed()
    assert mg.initial_seed() == found and mg.rand(1).item() == mg.rand(1, generator=new(found)).item()


@pytest.mark.parametrize("enabled", [True, False])
def test_a_fork_is_forgotten(enabled):
    mg.manual_seed(1)
    before = mg.get_rng_state()
    with pytest.raises(KeyError), mg.random.fork_rng(devices=[], enabled=enabled):
        mg.manual_seed(2)
        mg.rand(3)
        raise KeyError
    assert (mg.get_rng_state() == before) is enabled and mg.initial_seed() == (1 if enabled else 2)


def test_a_fork_decorates_functions():
    @mg.random.fork_rng()
    def draw():
        return mg.rand(2)

    before = mg.get_rng_state()
    draw()
    assert mg.get_rng_state() == before


@pytest.mark.parametrize("source", [new, lambda: np.random.Generator(np.random.PCG64(3))])
def test_loaders_take_both_kinds(source):
    dataset = data.TensorDataset(mg.arange(20))
    orders = [[x.tolist() for (x,) in data.DataLoader(dataset, 5, shuffle=True, generator=source())] for _ in range(2)]
    assert orders[0] == orders[1] and sorted(itertools.chain(*orders[0])) == list(range(20))


def test_the_state_is_saved_in_plain_values(tmp_path):
    generator = new()
    generator.random(3)
    mg.save({"random": generator.get_state()}, tmp_path / "state")
    other = mg.Generator()
    other.set_state(mg.load(tmp_path / "state")["random"])
    assert other.random() == generator.random()
