"""How optimisers update parameters: small ones together, each where it is, and nothing is lost."""

import copy
import sys
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import blocks
from minigrad.optim.blocks import PARAMETER_BLOCK as BLOCK
from minigrad.optim.blocks import SMALL_PARAMETER as SMALL


def test_small_parameters_of_one_precision_are_updated_together():
    full = BLOCK // SMALL
    sizes = [3, 0, SMALL - 3, *[SMALL] * (full - 1), 1, 1, SMALL + 1, 0, 5, 2 * BLOCK + 1]
    parameters = [nn.Parameter(mg.ones(size)) for size in sizes] + [nn.Parameter(mg.ones(2, dtype=np.float64))]
    (found,) = optim.SGD(parameters)._blocks
    first, (a, b, large, c, d, larger, double) = list(range(full + 2)), range(full + 2, full + 9)
    assert [block.indices for block in found] == [first, [a, b, c, d], [large], *[[larger]] * 3, [double]]
    assert [block.size for block in found if block.indices == [larger]] == [BLOCK, BLOCK, 1]


def stepped(optimizer, parameters, gradient=1.0):
    """One step with equal gradients everywhere."""
    for p in parameters:
        p.grad = mg.full(p.shape, gradient, dtype=p.dtype)
    optimizer.step()


def graph_over(p):
    return (p * p).sum()


def view_over(p):
    return p.reshape(-1)


WATCHERS = {
    "array": lambda p: p.array,
    "numpy": lambda p: p.numpy(),
    "transposed": lambda p: p.array.T,
    "memoryview": lambda p: memoryview(p.array),
    "detach": lambda p: p.detach(),
    "parameter": nn.Parameter,
    "shallow copy": copy.copy,
    "graph": graph_over,
    "view in a graph": view_over,
}


@pytest.mark.parametrize("name", WATCHERS)
def test_who_looks_at_a_parameter_goes_on_seeing_it(name):
    parameters = [nn.Parameter(mg.ones(2, 3)) for _ in range(3)]
    watcher = WATCHERS[name](parameters[1])
    array = parameters[1].array
    optimizer = optim.SGD(parameters, lr=0.25)
    stepped(optimizer, parameters)
    assert parameters[1].array is array
    assert [p.tolist() for p in parameters] == [[[0.75] * 3] * 2] * 3
    if name == "graph":
        with pytest.raises(RuntimeError, match="was changed in place after it was recorded"):
            watcher.backward()
    else:
        seen = watcher.array if isinstance(watcher, mg.Tensor) else np.asarray(watcher)
        assert (seen == 0.75).all() and np.shares_memory(seen, parameters[1].array)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_what_is_changed_in_place_begins_at_a_cache_line(dtype):
    parameters = [mg.ones(n, dtype=dtype).requires_grad_() for n in (3, 5, SMALL + 1)]
    optimizer = optim.Adam(parameters, amsgrad=True)

    def begins():
        (found,) = optimizer._blocks
        state = [vector for block in found for vector in block.state.values()]
        assert len(state) == 6
        workspaces = [block.workspace(block.values())[0] for block in found]
        return {array.ctypes.data % 64 for array in [*state, *workspaces, blocks.scratch(np.dtype(dtype), 7)]}

    for parameter in parameters:
        parameter.grad = mg.ones(parameter.numel(), dtype=dtype)
    optimizer.step()
    assert begins() == {0}
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.step()
    assert begins() == {0}
    parameters[0].grad = None
    optimizer.step()
    assert [block.indices for block in optimizer._blocks[0]] == [[0], [1], [2]]
    assert {vector.ctypes.data % 64 for block in optimizer._blocks[0] for vector in block.state.values()} == {0}


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_parameters_stay_where_they_are_without_views_as_well(make):
    parameters = [nn.Parameter(mg.full(shape, 1.0)) for shape in ((2, 3), (), (0,), (4,))]
    places = [p.array.ctypes.data for p in parameters]
    owned = [p.array.flags.owndata for p in parameters]
    for optimizer in (make(parameters, weight_decay=1.0), make(parameters[1:], weight_decay=1.0)):
        for _ in range(2):
            stepped(optimizer, parameters)
    assert [p.array.ctypes.data for p in parameters] == places and [p.array.flags.owndata for p in parameters] == owned


def test_two_threads_may_train_the_same_parameters():
    """Each subtracts 1 in each step."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(60):
            parameters = [nn.Parameter(mg.zeros(3)) for _ in range(6)]
            for p in parameters:
                p.grad = mg.ones(3)
            optimizers = [optim.SGD(parameters, lr=1.0) for _ in range(2)]
            threads = [threading.Thread(target=lambda o=o: [o.step() for _ in range(10)]) for o in optimizers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [p.tolist() for p in parameters] == [[-20.0] * 3] * 6
    finally:
        sys.setswitchinterval(interval)


def read_only(array):
    array.flags.writeable = False
    return array


def read_only_parts():
    vector = np.ones(6, np.float32)
    return read_only(vector[:3]), read_only(vector[3:])


@pytest.mark.parametrize(
    "make",
    [lambda: (np.ones(3, np.float32), np.ones(2, np.float32)), read_only_parts],
    ids=["arrays", "parts of a vector"],
)
def test_read_only_memory_is_never_written_to(make):
    parameters = [nn.Parameter(mg.from_numpy(np.array(array))) for array in make()]
    for p, array in zip(parameters, make()):
        p.array = read_only(array)
    del array
    with pytest.raises(ValueError, match="read-only"):
        stepped(optim.SGD(parameters, lr=0.25), parameters)
    assert all((p.array == 1).all() for p in parameters)


def test_another_order_of_bytes_becomes_the_machines():
    parameters = [nn.Parameter(mg.from_numpy(np.ones(3, np.dtype(np.float32).newbyteorder()))) for _ in range(2)]
    optimizer = optim.SGD(parameters, lr=0.25)
    for p in parameters:
        (p * 1).sum().backward()
    optimizer.step()
    assert all(p.dtype == np.float32 and p.dtype.isnative and (p.array == 0.75).all() for p in parameters)


def test_a_layout_in_columns_is_kept():
    parameters = [nn.Parameter(mg.from_numpy(np.asfortranarray(np.ones((2, 3), np.float32)))) for _ in range(2)]
    stepped(optim.SGD(parameters, lr=0.25), parameters)
    assert all(p.array.flags.f_contiguous and (p.array == 0.75).all() for p in parameters)


@pytest.mark.parametrize("momentum", [0, 0.5])
def test_a_parameter_whose_values_are_replaced_is_found_again(momentum):
    parameters = [nn.Parameter(mg.ones(3)) for _ in range(3)]
    optimizer = optim.SGD(parameters, lr=0.25, momentum=momentum)
    stepped(optimizer, parameters)
    old = parameters[1].array
    parameters[1].data = mg.full((3,), 5.0)
    stepped(optimizer, parameters, 2.0)
    change = 0.25 * (2.0 + momentum)
    assert [p.tolist() for p in parameters] == [[0.75 - change] * 3, [5 - change] * 3, [0.75 - change] * 3]
    assert (old == 0.75).all()


def test_parameters_that_share_their_memory_get_both_gradients():
    values = mg.ones(3)
    parameters = [nn.Parameter(values), nn.Parameter(values), nn.Parameter(mg.ones(2))]
    stepped(optim.SGD(parameters, lr=0.25), parameters)
    assert [p.tolist() for p in parameters] == [[0.5] * 3, [0.5] * 3, [0.75] * 2]


def transposed_parts():
    vector = np.ones(12, np.float32)
    return vector[:6].reshape(2, 3).T, vector[6:]


def reinterpreted_parts():
    single = np.zeros(8, np.int32).view(np.float32)
    single[...] = 1
    return single[:4], single[4:]


PLACES = {
    "rows of a matrix": lambda: np.ones((2, 3), np.float32),
    "parts of a vector, one transposed": transposed_parts,
    "parts of memory of another precision": reinterpreted_parts,
    "a transposed matrix": lambda: [np.ones((2, 3), np.float32).T],
    "a transposed matrix larger than a block": lambda: [np.ones((600, 500), np.float32).T],
    "every second element": lambda: [np.ones(8, np.float32)[::2]],
    "parts of every second element": lambda: (lambda a: (a[:2], a[2:]))(np.ones(8, np.float32)[::2]),
}


@pytest.mark.parametrize("name", PLACES)
def test_parameters_that_look_at_other_memory_are_changed_where_they_are(name):
    parameters = [nn.Parameter(mg.from_numpy(array)) for array in PLACES[name]()]
    views = [p.array[...] for p in parameters]
    stepped(optim.SGD(parameters, lr=0.25), parameters)
    for p, view in zip(parameters, views):
        assert (view == 0.75).all() and p.array.ctypes.data == view.ctypes.data


def test_a_refused_gradient_changes_no_parameter():
    parameters = [nn.Parameter(mg.ones(3)), nn.Parameter(mg.ones(3, dtype=np.float64)), nn.Parameter(mg.ones(2))]
    optimizer = optim.Adam([{"params": parameters[:2]}, {"params": parameters[2:]}], lr=0.1)
    for p in parameters:
        p.grad = mg.ones(*p.shape, dtype=p.dtype)
    parameters[2].array = parameters[2].array.astype(np.float64)
    parameters[2].grad = mg.ones(2, dtype=np.float64)
    with pytest.raises(TypeError, match="was float32 and is float64 now"):
        optimizer.step()
    assert all((p.array == 1).all() for p in parameters)
    assert optimizer.state_dict()["state"] == {}


def test_a_model_converted_behind_the_optimisers_back_is_refused():
    for shapes in ([(3,)], [(3,), (2, 2)]):
        model = nn.Module()
        model.weights = [nn.Parameter(mg.ones(*shape)) for shape in shapes]
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        model.double()
        for p in model.parameters():
            p.grad = mg.ones(*p.shape, dtype=np.float64)
        with pytest.raises(TypeError, match="was float32 and is float64 now: convert the model first"):
            optimizer.step()
        assert all((p.numpy() == 1).all() for p in model.parameters())


@pytest.mark.parametrize(
    "dtypes", [["float64"], ["float64", "float64"], ["float16", "float64"], ["float32", "float64"]]
)
def test_a_conversion_before_backward_is_refused_whatever_the_sizes(dtypes):
    """Two halves and one double take as many bytes as three singles."""
    parameters = [nn.Parameter(mg.ones(n)) for n in (2, 1)[-len(dtypes) :]]
    optimizer = optim.SGD(parameters, lr=0.1)
    for p, dtype in zip(parameters, dtypes):
        model = nn.Module()
        model.weight = p
        model.to(dtype)
    for p in parameters:
        p.sum().backward()
    with pytest.raises(TypeError, match=r"a parameter .* was float32 and is float(16|64) now: convert the model first"):
        optimizer.step()
    assert all((p.numpy() == 1).all() for p in parameters)


def test_a_gradient_that_was_converted_is_refused():
    parameters = [nn.Parameter(mg.ones(n)) for n in (2, 1)]
    optimizer = optim.SGD(parameters, lr=0.1)
    for p, dtype in zip(parameters, (np.float16, np.float64)):
        p.sum().backward()
        p.grad.data = mg.ones(*p.shape, dtype=dtype)
    with pytest.raises(TypeError, match="a gradient of this optimiser was float32 and is float16 now"):
        optimizer.step()
    assert all((p.numpy() == 1).all() for p in parameters)


def test_a_step_without_any_gradient_keeps_parameters_together():
    parameters = [nn.Parameter(mg.ones(3)) for _ in range(4)]
    optimizer = optim.Adam(parameters)
    (block,) = optimizer._blocks[0]
    optimizer.step()
    assert optimizer._blocks == [[block]]
    parameters[0].grad = mg.ones(3)
    optimizer.step()
    assert [block.indices for block in optimizer._blocks[0]] == [[0], [1, 2, 3]]
    assert [p.tolist() == [1, 1, 1] for p in parameters] == [False, True, True, True]


def converted(p, dtype):
    p.requires_grad_(False)
    p.data = mg.tensor(p.numpy().astype(dtype))
    p.requires_grad_(True)


@pytest.mark.parametrize("dtypes", [["float32", "float16", "float64"], ["float64"] * 3])
@pytest.mark.parametrize("count", [1, 3])
def test_a_gradient_from_before_a_conversion_is_refused_whatever_the_sizes(dtypes, count):
    parameters = [nn.Parameter(mg.ones(n)) for n in (1, 2, 1)][-count:]
    optimizer = optim.SGD(parameters, lr=1.0)
    for p, dtype in zip(parameters, dtypes[-count:]):
        converted(p, dtype)
        p.sum().backward()
        converted(p, np.float32)
    with pytest.raises(TypeError, match="a gradient of this optimiser was float32 and is float"):
        optimizer.step()
    assert all((p.numpy() == 1).all() for p in parameters)


@pytest.mark.parametrize("count", [1, 2])
def test_a_gradient_of_another_size_is_refused(count):
    parameters = [nn.Parameter(mg.ones(2)) for _ in range(count)]
    for p in parameters:
        p.sum().backward()
    parameters[0].grad.array = np.ones(3, np.float32)
    with pytest.raises(ValueError, match=r"parameters of \[2.* elements have \[3.*\]: give"):
        optim.SGD(parameters, lr=1.0).step()
    assert all((p.numpy() == 1).all() for p in parameters)
