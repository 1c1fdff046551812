"""A frozen BatchNorm keeps its statistics; unfreezing takes it back."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.helpers.batchnorm_module import assert_buffers, batch, buffers_of, trained, with_statistics


def test_a_frozen_batchnorm_stays_as_it_is_through_training():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    bn = model[1]
    model(batch((8, 3))).sum().backward()  # leaves old gradients behind
    assert bn.eval().freeze() is bn
    before = {**buffers_of(bn), **{name: p.numpy().copy() for name, p in bn.named_parameters()}}
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    first = model[0].weight.numpy().copy()
    for set_to_none in (True, False, True):
        assert model.train() is model and model.training and not bn.training
        optimizer.zero_grad(set_to_none=set_to_none)
        (model(batch((8, 3))) ** 2).sum().backward()
        optimizer.step()
    after = {**buffers_of(bn), **{name: p.numpy() for name, p in bn.named_parameters()}}
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value, err_msg=name)
    assert not np.array_equal(first, model[0].weight.numpy())
    assert repr(bn).endswith("frozen=True)") and "frozen=True" in repr(model)


def test_frozen_in_training_mode_it_normalises_with_the_batch_and_updates_nothing():
    bn = with_statistics().train().freeze()
    before = buffers_of(bn)
    x = batch((8, 3))
    expected = trained(x.numpy(), weight=bn.weight.numpy(), bias=bn.bias.numpy())
    with mg.no_grad():
        np.testing.assert_allclose(bn(x).numpy(), expected, rtol=1e-5, atol=1e-5)
    assert_buffers(bn, before)
    assert bn.eval().training and bn.train().training


@pytest.mark.parametrize("training", [True, False])
def test_a_frozen_batchnorm_keeps_its_mode_and_its_parameters_in_any_model(training):
    bn = nn.BatchNorm1d(3).train(training).freeze()
    model = nn.Sequential(nn.Linear(2, 3), bn)
    for change in (model.train, model.eval, model.requires_grad_):
        change()
        assert bn.training is training
        assert [p.requires_grad for p in bn.parameters()] == [False, False]
    with model.evaluating():
        assert bn.training is training and not model.training
    assert [p.requires_grad for p in model[0].parameters()] == [True, True]


def test_a_warning_made_an_error_leaves_the_statistics_as_they_were():
    bn = with_statistics().train()
    before = buffers_of(bn)
    x = batch((8, 3)).numpy().copy()
    x[0, 1] = np.nan
    with warnings.catch_warnings(), pytest.raises(UserWarning, match="NaN"):
        warnings.simplefilter("error")
        bn(mg.tensor(x))
    assert_buffers(bn, before)


def test_unfreezing_takes_it_back():
    bn = nn.BatchNorm1d(3)
    bn.bias.requires_grad_(False)
    bn.eval().freeze().freeze()
    assert [p.requires_grad for p in bn.parameters()] == [False, False]
    assert bn.unfreeze() is bn
    assert [p.requires_grad for p in bn.parameters()] == [True, False]
    assert not bn.training and bn.train().training
    bn(batch((4, 3)))
    assert bn.num_batches_tracked.item() == 1 and "frozen" not in repr(bn)
    bn.weight.requires_grad_(False)
    bn.unfreeze()  # it was not frozen: nothing changes
    assert not bn.weight.requires_grad


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
def test_a_copy_of_a_frozen_batchnorm_is_frozen(duplicate):
    twin = duplicate(with_statistics().freeze())
    before = buffers_of(twin)
    assert not twin.train().training
    twin(batch((4, 3)))
    assert_buffers(twin, before)
    assert all(p.requires_grad for p in twin.unfreeze().parameters())
