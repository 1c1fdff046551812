"""Hooks of modules: when they are called, with what, and what their results replace."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.compile import capture

EVERYWHERE = nn.modules.module


class Product(nn.Module):
    """Two inputs, two outputs, one argument by name."""

    def forward(self, a, b, *, scale=1):
        return a * b * scale, a + b


class Failing(nn.Module):
    """Fails when told to."""

    fails = True

    def forward(self, x):
        if self.fails:
            raise KeyError("lost")
        return x * 2


def leaf(*values):
    return mg.tensor(list(values), requires_grad=True)


# -- the order of calls -----------------------------------------------------------------------------

REGISTER = {
    "forward_pre": ("register_forward_pre_hook", "register_module_forward_pre_hook"),
    "forward": ("register_forward_hook", "register_module_forward_hook"),
    "backward_pre": ("register_full_backward_pre_hook", "register_module_full_backward_pre_hook"),
    "backward": ("register_full_backward_hook", "register_module_full_backward_hook"),
}


def test_hooks_are_called_in_this_order():
    layer, calls, handles = nn.Linear(2, 2), [], []
    for kind, (own, everywhere) in REGISTER.items():
        add = getattr(layer, own)
        handles += [
            add(lambda *_, kind=kind: calls.append((kind, "first"))),
            add(lambda *_, kind=kind: calls.append((kind, "second"))),
            add(
                lambda *_, kind=kind: calls.append(
                    (kind, "before"),
                ),
                prepend=True,
            ),
            getattr(EVERYWHERE, everywhere)(lambda *_, kind=kind: calls.append((kind, "everywhere"))),
        ]
    expected = [(kind, which) for kind in REGISTER for which in ("everywhere", "before", "first", "second")]
    layer(leaf(1.0, 2.0)).sum().backward()
    assert calls == expected
    for handle in handles:
        handle.remove()
        handle.remove()
    layer(leaf(1.0, 2.0)).sum().backward()
    assert calls == expected


def test_a_hook_may_remove_itself_while_it_is_called():
    layer, calls = nn.Identity(), []

    def once(*_):
        calls.append(1)
        handle.remove()

    handle = layer.register_forward_hook(once)
    layer.register_forward_hook(lambda *_: calls.append(2))
    layer(mg.ones(1))
    layer(mg.ones(1))
    assert calls == [1, 2, 2]


@pytest.mark.parametrize("names", REGISTER.values())
@pytest.mark.parametrize("wrong", [None, 3, "text", mg.ones(1)])
def test_what_is_no_function_is_refused(names, wrong):
    layer = nn.Linear(1, 1)
    for register in (getattr(layer, names[0]), getattr(EVERYWHERE, names[1])):
        with pytest.raises(TypeError, match="a hook is a function"):
            register(wrong)
    layer(leaf(1.0)).sum().backward()


# -- forward ------------------------------------------------------------------------------------------

BEFORE = {
    "nothing": (lambda m, args: None, False, 6),
    "one argument": (lambda m, args: args[0] * 10, False, 60),
    "a tuple": (lambda m, args: (args[0] * 10,), False, 60),
    "arguments by name": (lambda m, args, kwargs: ((args[0] * 10,), {"scale": 7}), True, 210),
    "nothing, by name": (lambda m, args, kwargs: None, True, 6),
}


class Scaled(nn.Module):
    def forward(self, x, scale=2):
        return x * scale


@pytest.mark.parametrize("case", BEFORE)
def test_a_hook_before_forward_replaces_arguments(case):
    hook, with_kwargs, expected = BEFORE[case]
    module = Scaled()
    module.register_forward_pre_hook(hook, with_kwargs=with_kwargs)
    assert module(mg.tensor(3)).item() == expected


@pytest.mark.parametrize("returned", [1, (1,), (1, 2, 3), [(), {}]])
def test_a_hook_with_kwargs_returns_two_things(returned):
    module = Scaled()
    module.register_forward_pre_hook(lambda *_: returned, with_kwargs=True)
    with pytest.raises(RuntimeError, match="returns None or \\(new_args, new_kwargs\\)"):
        module(mg.tensor(3))


def test_hooks_after_forward_see_arguments_and_replace_the_output_one_after_the_other():
    module, seen = Scaled(), []
    module.register_forward_hook(lambda m, args, y: y + 1)
    module.register_forward_hook(lambda m, args, kwargs, y: seen.append((m, args, kwargs, y.item())), with_kwargs=True)
    x = mg.tensor(3)
    assert module(x, scale=5).item() == 16
    assert seen == [(module, (x,), {"scale": 5}, 16)]


@pytest.mark.parametrize("everywhere", [False, True])
def test_always_call_is_called_after_an_error_as_well_and_once(everywhere):
    module, seen = Failing(), []
    register = EVERYWHERE.register_module_forward_hook if everywhere else module.register_forward_hook
    with (
        register(lambda m, args, y: seen.append(y), always_call=True),
        module.register_forward_hook(lambda m, args, y: seen.append("not called")),
    ):
        with pytest.raises(KeyError, match="lost"):
            module(mg.ones(1))
        assert seen == [None]
        module.fails = False
        module(mg.ones(1))
    assert [str(value) for value in seen[1:]] == ["tensor([2.])", "not called"]


def test_an_error_of_a_hook_that_is_always_called_is_a_warning_after_another():
    module = Failing()
    module.register_forward_hook(lambda *_: 1 / 0, always_call=True)
    with pytest.warns(UserWarning, match="ZeroDivisionError"), pytest.raises(KeyError, match="lost"):
        module(mg.ones(1))
    module.fails = False
    with pytest.raises(ZeroDivisionError):
        module(mg.ones(1))


# -- backward -----------------------------------------------------------------------------------------


def test_gradients_that_hooks_see_are_those_of_inputs_and_outputs():
    module, seen = Product(), []
    module.register_full_backward_hook(lambda m, inputs, outputs: seen.append((inputs, outputs)))
    a, b = leaf(2.0), leaf(3.0)
    y, z = module(a, b, scale=5)
    (4 * y + 7 * z).sum().backward()
    ((inputs, outputs),) = seen
    assert [g.item() for g in outputs] == [4, 7]
    assert [g.item() for g in inputs] == [a.grad.item(), b.grad.item()] == [4 * 3 * 5 + 7, 4 * 2 * 5 + 7]


def test_hooks_replace_gradients():
    module = Product()
    module.register_full_backward_pre_hook(lambda m, outputs: (outputs[1], outputs[0]))
    module.register_full_backward_hook(lambda m, inputs, outputs: (inputs[1] * 100, inputs[0]))
    a, b = leaf(2.0), leaf(3.0)
    y, z = module(a, b)
    (4 * y + 7 * z).sum().backward()
    assert (a.grad.item(), b.grad.item()) == ((7 * 2 + 4) * 100, 7 * 3 + 4)


def test_parameters_get_gradients_of_what_the_hook_before_returns():
    layer, x = nn.Linear(3, 2).double(), mg.randn(4, 3, dtype=np.float64)
    layer(x).square().sum().backward()
    expected = [5 * p.grad.numpy() for p in layer.parameters()]
    layer.zero_grad()
    layer.register_full_backward_pre_hook(lambda m, outputs: outputs[0] * 5)
    layer(x).square().sum().backward()
    for p, gradient in zip(layer.parameters(), expected):
        np.testing.assert_allclose(p.grad.numpy(), gradient, rtol=1e-6)


UNUSED = {
    "a constant argument": (lambda m: m(leaf(2.0), mg.tensor([3.0])), [True, False], [True, True]),
    "one output": (lambda m: m(leaf(2.0), leaf(3.0))[:1], [True, True], [True, False]),
    "no input": (lambda m: m(mg.tensor([2.0]), m.p), [False, True], [True, True]),
}


@pytest.mark.parametrize("case", UNUSED)
def test_what_has_no_gradient_is_none(case):
    call, inputs_there, outputs_there = UNUSED[case]
    module, seen = Product(), []
    module.p = nn.Parameter(mg.tensor([3.0]))
    module.register_full_backward_hook(lambda m, inputs, outputs: seen.append((inputs, outputs)))
    sum(part.sum() for part in call(module)).backward()
    ((inputs, outputs),) = seen
    assert [g is not None for g in inputs] == inputs_there
    assert [g is not None for g in outputs] == outputs_there


def test_without_inputs_that_require_grad_nothing_can_be_replaced():
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, inputs, outputs: seen.append(inputs) or (None,))
    layer(mg.ones(1, 2)).sum().backward()
    assert seen == [(None,)]
    layer.register_full_backward_hook(lambda m, inputs, outputs: mg.ones(1, 2))
    with pytest.raises(RuntimeError, match="no input of which requires grad"):
        layer(mg.ones(1, 2)).sum().backward()


@pytest.mark.parametrize("kind", ["register_full_backward_hook", "register_full_backward_pre_hook"])
def test_another_number_of_gradients_is_refused_and_the_next_walk_is_right(kind):
    layer, x = nn.Linear(2, 1), leaf(1.0, 2.0)
    y = layer(x).sum()
    y.backward()
    expected = x.grad.numpy()
    with getattr(layer, kind)(lambda *_: (mg.ones(1), mg.ones(1))), pytest.raises(RuntimeError, match="expected 1"):
        layer(x).sum().backward()
    x.grad = None
    layer(x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), expected)


def test_a_walk_that_ended_with_an_error_leaves_nothing_for_the_next():
    module, fails, seen = Product(), [True], []

    def hook(m, inputs, outputs):
        seen.append([g is not None for g in inputs])
        if fails.pop() if fails else False:
            raise ValueError("once")

    module.register_full_backward_hook(hook)
    a, b = leaf(2.0), leaf(3.0)
    y, z = module(a, b)
    for _ in range(2):
        try:
            (4 * y + 7 * z).sum().backward(retain_graph=True)
        except ValueError:
            assert a.grad is None and b.grad is None
    assert (a.grad.item(), b.grad.item()) == (4 * 3 + 7, 4 * 2 + 7)
    assert seen == [[True, True], [True, True]]


def test_a_graph_can_be_walked_twice_and_for_one_input():
    module, seen = Product(), []
    module.register_full_backward_hook(lambda m, inputs, outputs: seen.append([g is not None for g in inputs]))
    a, b = leaf(2.0), leaf(3.0)
    y, _ = module(a, b)
    for _ in range(2):
        y.sum().backward(retain_graph=True)
    assert mg.autograd.grad(y.sum(), a)[0].item() == 3
    assert (a.grad.item(), b.grad.item()) == (6, 4)
    assert seen == [[True, True], [True, True], [True, False]]


def test_second_derivatives_go_through_hooks():
    module = nn.Tanh()
    module.register_full_backward_hook(lambda m, inputs, outputs: inputs[0] * 3)
    x = mg.tensor([0.3, -0.2], dtype=np.float64, requires_grad=True)
    (gradient,) = mg.autograd.grad(module(x).sum(), x, create_graph=True)
    (second,) = mg.autograd.grad(gradient.sum(), x)
    t = np.tanh(x.detach().numpy())
    np.testing.assert_allclose(gradient.detach().numpy(), 3 * (1 - t**2))
    assert second.shape == (2,) and np.isfinite(second.numpy()).all()


def test_gradients_with_hooks_that_only_look_are_the_finite_differences():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.BatchNorm1d(4), nn.Linear(4, 2)).double()
    for module in net.modules():
        module.register_full_backward_hook(lambda *_: None)
        module.register_full_backward_pre_hook(lambda *_: None)
    assert mg.gradcheck(net, mg.randn(5, 3, dtype=np.float64, requires_grad=True))


def test_without_a_graph_hooks_of_gradients_do_nothing():
    layer = nn.ReLU()
    layer.register_full_backward_hook(lambda *_: 1 / 0)
    x = leaf(1.0)
    with mg.no_grad():
        assert not layer(x).requires_grad
    assert not layer(mg.ones(1)).requires_grad


# -- what hooks are not: members --------------------------------------------------------------------------


def test_a_module_as_a_hook_is_no_part_of_the_module():
    class Look(nn.Module):
        def forward(self, module, args, output):
            self.seen = output.detach()

    layer, look = nn.Linear(2, 1), Look()
    layer.register_forward_hook(look)
    layer(mg.ones(1, 2))
    assert look.seen.shape == (1, 1) and list(layer.modules()) == [layer] and len(layer.state_dict()) == 2


def test_a_copy_has_the_hooks_and_the_handle_removes_those_of_the_original_only():
    layer, calls = nn.Identity(), []
    handle = layer.register_forward_hook(lambda m, args, y: calls.append(m))
    other = copy.deepcopy(layer)
    handle.remove()
    layer(mg.ones(1))
    other(mg.ones(1))
    assert calls == [other]


def test_a_module_with_a_hook_that_can_be_pickled_is_pickled_with_it():
    layer = nn.Identity()
    layer.register_forward_hook(plus_one)
    assert pickle.loads(pickle.dumps(layer))(mg.ones(1)).item() == 2


def plus_one(module, args, output):
    return output + 1


# -- errors name the place --------------------------------------------------------------------------------


def notes(error):
    return getattr(error, "__notes__", [])


def test_an_error_in_forward_has_a_note_of_the_path_once():
    net = nn.Sequential(nn.Sequential(nn.ReLU(), Failing()))
    with pytest.raises(KeyError) as caught:
        net(mg.ones(1))
    assert type(caught.value) is KeyError and caught.value.args == ("lost",)
    assert notes(caught.value) == ["raised in 0.1 (Failing)"]


def test_a_message_that_names_the_module_has_no_note():
    net = nn.Sequential(nn.Sequential(nn.BatchNorm1d(3)))
    with pytest.raises(ValueError, match=r"in 0\.0 \(BatchNorm1d\)") as caught:
        net(mg.ones(1, 3))
    assert notes(caught.value) == []


def test_an_error_whose_text_fails_is_raised_all_the_same():
    class MuteError(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    class Raising(nn.Module):
        def forward(self):
            raise MuteError

    with pytest.raises(MuteError):
        Raising()()


def test_an_error_in_a_hook_leaves_the_place_of_later_calls_right():
    layer = nn.Identity()
    with layer.register_forward_pre_hook(lambda *_: 1 / 0), pytest.raises(ZeroDivisionError) as caught:
        layer(mg.ones(1))
    assert notes(caught.value) == ["raised in Identity"]
    assert mg.ones(1, requires_grad=True).sum().node.scope is None


# -- calls without hooks ----------------------------------------------------------------------------


@pytest.mark.parametrize("everywhere", [True, False])
@pytest.mark.parametrize("kind", REGISTER)
def test_after_the_last_hook_is_gone_calls_are_as_before(monkeypatch, kind, everywhere):
    """They do not look for hooks: ``HookedCall`` is not made."""
    layer, own = nn.Linear(2, 2), REGISTER[kind]
    add = getattr(EVERYWHERE, own[1]) if everywhere else getattr(layer, own[0])
    first, second = add(lambda *_: None), add(lambda *_: None)
    first.remove()
    monkeypatch.setattr("minigrad.nn.module.HookedCall", None)
    with pytest.raises(TypeError, match="not callable"):
        layer(mg.ones(1, 2))
    second.remove()
    layer(mg.ones(1, 2))
    first.remove()  # again: nothing happens
    third = add(lambda *_: None)
    second.remove()
    with pytest.raises(TypeError, match="not callable"):
        layer(mg.ones(1, 2))
    third.remove()


# -- hooks in pictures and in captured steps ---------------------------------------------------------


def hooked(model, kind):
    """A model one layer of which has a hook that changes what it sees: doubled values, or doubled gradients."""
    own, _ = REGISTER[kind]

    def hook(module, *seen):
        return tuple(value * 2 for value in seen[0]) if kind != "forward" else seen[-1] * 2

    getattr(model[1], own)(hook)
    return model


def net():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


@pytest.mark.parametrize("kind", REGISTER)
def test_a_captured_step_has_the_hooks_in_it(kind):
    def step(x):
        y = model(x)
        return [y, *mg.grad((y * y).sum(), [x, *model.parameters()])]

    rng = np.random.default_rng(0)
    first, second = (mg.tensor(rng.standard_normal((8, 3)).astype(np.float32), requires_grad=True) for _ in range(2))
    model = hooked(net(), kind)
    program, _ = capture(step, first, state=[model])
    found = [value.detach().numpy().copy() for value in program.run(second)]
    model = hooked(net(), kind)
    step(first)
    expected = [value.detach().numpy() for value in step(second)]
    model = net()
    step(first)
    plain = [value.detach().numpy() for value in step(second)]
    for value, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, right, rtol=1e-5, atol=1e-5)
    assert not all(np.allclose(value, other, rtol=1e-3) for value, other in zip(found, plain, strict=True))


@pytest.mark.parametrize("kind", REGISTER)
def test_a_picture_of_a_model_with_hooks_has_all_its_layers(kind):
    """What a hook computes is drawn; without one the picture is as before."""
    x, plain = mg.ones(8, 3, requires_grad=True), net()
    model = hooked(net(), kind)
    graphs = [mg.draw(one.eval()(x), model=one) for one in (plain, model)]
    for graph in graphs:
        names = {box.name for box in graph.picture.content.all_boxes()}
        assert "BatchNorm1d(4" in graph.source and {"1.weight (gamma)", "3.bias"} <= names
    assert graphs[0].source != graphs[1].source
    model[1]._hooks.kinds.clear()
    assert str(mg.draw(model(x), model=model).source) == str(mg.draw(plain(x), model=plain).source)
