"""Writing from views that are older than what they look at, and leaves at rest and in copies."""

import copy
import pickle
import random

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

SHUFFLES = {
    "random": lambda x: random.Random(0).shuffle(x),
    "np.random": lambda x: np.random.RandomState(0).shuffle(x),
    "Generator": lambda x: np.random.default_rng(0).shuffle(x),
}


@pytest.mark.filterwarnings("ignore:.*shuffling.*:UserWarning", "ignore:.*sequence.*:UserWarning")
@pytest.mark.parametrize("name", SHUFFLES)
@pytest.mark.parametrize("shape", [(9,), (5, 2), (7, 2, 3)])
def test_shuffles_permute_or_are_refused(name, shape):
    x = mg.arange(int(np.prod(shape))).reshape(shape).clone()
    if len(shape) == 1:
        SHUFFLES[name](x)
        assert sorted(x.tolist()) == list(range(9))
        assert x.tolist() != list(range(9))
    else:
        with pytest.raises(RuntimeError, match=r"overwritten after it was taken.*x\[mg\.randperm\(len\(x\)\)\]"):
            SHUFFLES[name](x)


def swap(x):
    x[0], x[1] = x[1], x[0]


def three(x):
    x[0], x[1], x[2] = x[1], x[2], x[0]


def by_mask(x):
    view = x[0]
    x[mg.tensor([True, False, False, False])] = 9
    x[1] = view


def columns(x):
    x[:, 0], x[:, 1] = x[:, 1], x[:, 0]


def two_tensors(x):
    y = mg.zeros(4, 2)
    x[0], y[0] = y[0], x[0]


def through_copy(x):
    a, b = x[0], x[1]
    x[0].copy_(b)
    b.copy_(a)


def detached(x):
    x[0], x[1] = x[1].detach(), x[0].detach()


def data(x):
    x[0], x[1] = x[1].data, x[0].data


def copies(x):
    x[0], x[1] = copy.copy(x[1]), copy.copy(x[0])


@pytest.mark.parametrize("write", [swap, three, by_mask, columns, two_tensors, through_copy, detached, data, copies])
def test_an_outdated_view_is_refused(write):
    x = mg.arange(8.0).reshape(4, 2).clone()
    with pytest.raises(RuntimeError, match="is a view whose elements were overwritten after it was taken"):
        write(x)


def row_to_row(x):
    x[0] = x[1]


def other_rows_between(x):
    view = x[0]
    x[1] = 5
    x[2] = view


def one_view_to_all(x):
    view = x[0]
    for i in range(1, len(x)):
        x[i] = view


def two_views(x):
    a, b = x[0], x[1]
    x[2], x[3] = a, b


def changed_by_itself(x):
    view = x[0]
    view += 10
    x[1] = view
    view[0] = 3
    x[2] = view


def changed_by_arithmetic(x):
    view = x[0]
    x += 1
    x[1] = view


def other_columns(x):
    view = x[:, 0]
    x[:, 1] = 7
    x[0] = view[:2]


def copied(x):
    x[0], x[1] = x[1].clone(), x[0].clone()


def by_index(x):
    x[[0, 1]] = x[[1, 0]]


def values_of_old(x):
    view = x[0]
    x[0] = 5
    x[1] = view.clone()


@pytest.mark.parametrize(
    "write",
    [
        row_to_row, other_rows_between, one_view_to_all, two_views, changed_by_itself, changed_by_arithmetic,
        other_columns, copied, by_index, values_of_old,
    ],
)  # fmt: skip
def test_other_writes_from_views_are_numpys(write):
    x, array = mg.arange(8.0).reshape(4, 2).clone(), Rows(np.arange(8.0).reshape(4, 2))
    write(x)
    write(array)
    assert x.tolist() == np.asarray(array).tolist()


class Rows(np.ndarray):
    """NumPy's arrays with ``clone``."""

    def __new__(cls, array):
        return array.copy().view(cls)

    def clone(self):
        return self.copy()


# -- leaves at rest --------------------------------------------------------------------------------


def test_hooks_stay_while_a_leaf_rests():
    x = mg.ones(2, requires_grad=True)
    handle = x.register_hook(lambda g: g * 10)
    for switch in (x.requires_grad_, lambda on: setattr(x, "requires_grad", on)):
        switch(False)
        assert not (x * 2).requires_grad
        switch(True)
    x.sum().backward()
    assert x.grad.tolist() == [10, 10]
    x.requires_grad_(False)
    handle.remove()
    x.requires_grad_(True)
    x.sum().backward()
    assert x.grad.tolist() == [11, 11]


def test_hooks_stay_while_modules_are_frozen():
    for net, freeze, thaw in (
        (nn.BatchNorm1d(2), lambda m: m.freeze(), lambda m: m.unfreeze()),
        (nn.Linear(2, 2), lambda m: m.requires_grad_(False), lambda m: m.requires_grad_(True)),
    ):
        seen = []
        net.weight.register_hook(lambda g, seen=seen: seen.append(g.shape))
        freeze(net)
        assert not net.weight.requires_grad
        thaw(net)
        net(mg.randn(4, 2)).sum().backward()
        assert seen == [net.weight.shape]


def test_a_hook_of_a_thawed_leaf_sees_graphs_from_before_the_rest():
    x = mg.ones(2, requires_grad=True)
    y = (x * 3).sum()
    x.requires_grad_(False)
    x.requires_grad_(True)
    x.register_hook(lambda g: g * 10)
    y.backward()
    assert x.grad.tolist() == [30, 30]


def test_a_leaf_at_rest_gets_no_gradient():
    x = mg.ones(2, requires_grad=True)
    y = (x * 3).sum()
    x.requires_grad_(False)
    y.backward()
    assert x.grad is None


@pytest.mark.parametrize("earlier", [False, True])
def test_a_leaf_converted_at_rest_gets_its_gradient_in_its_new_dtype(earlier):
    net = nn.Linear(2, 1, bias=False)
    if earlier:
        net(mg.ones(1, 2)).sum().backward()
    loss = net(mg.tensor([[3.0, 5.0]])).sum()
    net.requires_grad_(False)
    net.double()
    net.requires_grad_(True)
    loss.backward()
    assert net.weight.grad.dtype == net.weight.dtype == np.float64
    assert net.weight.grad.tolist() == [[3.0 + earlier, 5.0 + earlier]]


# -- copies ----------------------------------------------------------------------------------------


class Shared(nn.Module):
    """Two parameters and a buffer over one memory."""

    def __init__(self):
        values = mg.zeros(2)
        self.p, self.q, self.r = nn.Parameter(values), nn.Parameter(values), nn.Buffer(values)
        self.own = nn.Parameter(mg.zeros(2))


@pytest.mark.parametrize("copied", [lambda x: x, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), copy.copy])
def test_copies_share_memory_among_themselves_as_the_originals_do(copied):
    original = Shared()
    net = copied(original)
    with mg.no_grad():
        net.p.fill_(7)
    assert [t.tolist() for t in (net.q, net.r, net.own)] == [[7, 7], [7, 7], [0, 0]]
    if copied not in (copy.copy,) and net is not original:
        assert original.q.tolist() == [0, 0]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_backward_notices_a_change_through_a_copied_sharer(copied):
    net = copied(Shared())
    y = (net.p * net.p).sum()
    with mg.no_grad():
        net.q.fill_(7)
    with pytest.raises(RuntimeError, match="was changed in place"):
        y.backward()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_alone_shares_with_nothing(copied):
    x = mg.zeros(2)
    x.detach()
    alone, (one, other) = copied(x), copied([x, x.detach()])
    w = mg.ones(2, requires_grad=True)
    alone += w
    assert alone.requires_grad
    for tensor in (one, other):
        with pytest.raises(RuntimeError, match="shares its memory"):
            tensor += w


def test_an_array_and_a_tensor_over_it_are_copied_once():
    array = np.zeros(2)
    for things in ([array, mg.from_numpy(array)], [mg.from_numpy(array), array]):
        things = copy.deepcopy(things)
        assert np.shares_memory(*[thing.array if isinstance(thing, mg.Tensor) else thing for thing in things])


def test_a_shallow_copy_of_a_result_stays_in_the_graph():
    x = mg.ones(2, requires_grad=True)
    y = x * 3
    copied = copy.copy(y)
    copied.sum().backward()
    assert x.grad.tolist() == [3, 3]
    with pytest.raises(RuntimeError, match="shares its memory"):
        copied += 1
