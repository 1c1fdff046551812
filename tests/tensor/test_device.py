"""Devices: the CPU everywhere, any other in one sentence nowhere."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

FACTORIES = {
    "tensor": lambda **k: mg.tensor([1.0], **k),
    "as_tensor": lambda **k: mg.as_tensor([1.0], **k),
    "asarray": lambda **k: mg.asarray([1.0], **k),
    "arange": lambda **k: mg.arange(3, **k),
    "linspace": lambda **k: mg.linspace(0, 1, 3, **k),
    "logspace": lambda **k: mg.logspace(0, 1, 3, **k),
    "eye": lambda **k: mg.eye(2, **k),
    "zeros": lambda **k: mg.zeros(2, **k),
    "ones": lambda **k: mg.ones(2, **k),
    "empty": lambda **k: mg.empty(2, **k),
    "full": lambda **k: mg.full((2,), 1.5, **k),
    "rand": lambda **k: mg.rand(2, **k),
    "randn": lambda **k: mg.randn(2, **k),
    "randint": lambda **k: mg.randint(3, (2,), **k),
    "randperm": lambda **k: mg.randperm(3, **k),
    "normal": lambda **k: mg.normal(0, 1, (2,), **k),
    "zeros_like": lambda **k: mg.zeros_like(mg.ones(2), **k),
    "ones_like": lambda **k: mg.ones_like(mg.ones(2), **k),
    "empty_like": lambda **k: mg.empty_like(mg.ones(2), **k),
    "full_like": lambda **k: mg.full_like(mg.ones(2), 3, **k),
    "rand_like": lambda **k: mg.rand_like(mg.ones(2), **k),
    "randn_like": lambda **k: mg.randn_like(mg.ones(2), **k),
    "randint_like": lambda **k: mg.randint_like(mg.ones(2), 3, **k),
    "new_tensor": lambda **k: mg.ones(2).new_tensor([1, 2], **k),
    "new_zeros": lambda **k: mg.ones(2).new_zeros(3, **k),
    "new_ones": lambda **k: mg.ones(2).new_ones(3, **k),
    "new_empty": lambda **k: mg.ones(2).new_empty(3, **k),
    "new_full": lambda **k: mg.ones(2).new_full((3,), 2, **k),
    "tril_indices": lambda **k: mg.tril_indices(2, 3, **k),
    "triu_indices": lambda **k: mg.triu_indices(2, 3, **k),
    "Generator": lambda **k: mg.Generator(**k),
}
NO_DEVICE = r"^there is no device 'cuda:0': minigrad runs on the CPU, device='cpu'\.$"


def test_every_function_with_the_argument_is_in_the_table():
    named = {name for name in mg.__all__ if inspect.isfunction(getattr(mg, name))}
    with_device = {name for name in named if "device" in inspect.signature(getattr(mg, name)).parameters}
    assert with_device - {"set_default_device"} <= set(FACTORIES)


@pytest.mark.parametrize("name", FACTORIES)
def test_new_tensors_are_on_the_cpu(name):
    for where in ("cpu", "cpu:0", mg.device("cpu"), None) if name != "Generator" else ("cpu",):
        assert FACTORIES[name](device=where).device == mg.device("cpu")
    state = mg.get_rng_state()
    with pytest.raises(ValueError, match=NO_DEVICE):
        FACTORIES[name](device="cuda:0")
    with pytest.raises(RuntimeError, match=NO_DEVICE):
        FACTORIES[name](device="cuda:0")
    assert mg.get_rng_state() == state


def test_a_device_is_its_name():
    cpu = mg.device("cpu")
    assert (str(cpu), repr(cpu), cpu.type, cpu.index) == ("cpu", "device(type='cpu')", "cpu", None)
    first = mg.device("cpu:0")
    assert (str(first), repr(first), first.index) == ("cpu:0", "device(type='cpu', index=0)", 0)
    assert first == mg.device("cpu", 0) == mg.device(first) and first != cpu and cpu != "cpu"
    assert len({cpu, mg.device("cpu"), first}) == 2
    assert pickle.loads(pickle.dumps(first)) == first and copy.deepcopy(cpu) == cpu
    with mg.device("cpu"):
        assert mg.ones(2).device == cpu
    assert mg.get_default_device() == cpu
    mg.set_default_device("cpu")


@pytest.mark.parametrize("wrong", ["cuda", "cuda:0", "mps", "meta", "gpu", 0, "cpu:x"])
def test_there_is_no_other_device(wrong):
    for call in (mg.device, mg.set_default_device):
        with pytest.raises(ValueError, match=f"^there is no device {wrong!r}: minigrad runs on the CPU"):
            call(wrong)


@pytest.mark.parametrize("wrong", [1.5, True, [], np.float32])
def test_a_device_is_named_by_text(wrong):
    with pytest.raises(TypeError, match=r"^a device is named by text, device='cpu', got"):
        mg.zeros(2, device=wrong)


def test_to():
    x, i = mg.ones(2), mg.tensor([1, 2])
    for same in (x.to("cpu"), x.to(mg.device("cpu")), x.to(device="cpu"), x.to(x), x.to(mg.float32), x.to("cpu:0"),
                 x.to("cpu", non_blocking=True), x.to(None), x.to("cpu", None), x.cpu(), x.to(other=x)):  # fmt: skip
        assert same is x
    for other in (x.to(mg.float64), x.to("float64"), x.to("cpu", mg.float64), x.to(device="cpu", dtype=mg.double),
                  x.to(dtype="float64"), x.to("cpu", mg.float64, True), x.to(mg.ones(1, dtype=mg.double))):  # fmt: skip
        assert other.dtype == mg.float64
    for copied in (x.to("cpu", copy=True), x.to(mg.float32, False, True), x.to(x, copy=True)):
        assert copied is not x and not np.shares_memory(copied.array, x.array) and copied.tolist() == x.tolist()
    assert x.type_as(i).dtype == x.type(mg.long).dtype == x.type("torch.LongTensor").dtype == mg.int64
    assert [t.dtype for t in (i.short(), i.char(), i.byte())] == [mg.int16, mg.int8, mg.uint8]


def test_to_is_recorded():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    (x.to("cpu", mg.float64) * 3).sum().backward()
    (x.to("cpu", copy=True) * 2).sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (mg.float32, [5.0, 5.0])


TO = {
    "cuda": (lambda x: x.to("cuda:0"), NO_DEVICE),
    "cuda by name": (lambda x: x.to(device="cuda:0"), NO_DEVICE),
    "cuda with a dtype": (lambda x: x.to("cuda:0", mg.float64), NO_DEVICE),
    "cuda()": (lambda x: x.cuda(), "there is no device 'cuda'"),
    "a number": (lambda x: x.to(0), "there is no device 0"),
    "unknown": (lambda x: x.to("floot"), "there is no dtype 'floot', and no such device"),
    "keyword": (lambda x: x.to(kind="cpu"), "to takes a device, a dtype, or both"),
    "too many": (lambda x: x.to("cpu", mg.float32, False, False, False), "to takes a device, a dtype, or both"),
}


@pytest.mark.parametrize("name", TO)
@pytest.mark.parametrize("thing", [mg.ones(2), nn.Linear(2, 2)], ids=["tensor", "module"])
def test_to_elsewhere_is_refused(name, thing):
    call, words = TO[name]
    with pytest.raises(RuntimeError, match=words):
        call(thing)


def test_modules_go_to_the_cpu():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    assert model.to("cpu") is model.cpu() is model.to(mg.device("cpu")) is model
    assert model[0].weight.dtype == mg.float32
    model.to("cpu", mg.float64)
    assert {p.dtype for p in model.parameters()} == {np.dtype(mg.float64)}
    model.to(mg.ones(2))
    assert {p.dtype for p in model.parameters()} == {np.dtype(mg.float32)}
