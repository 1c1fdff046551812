"""Names of PyTorch's that minigrad does not have, each answered by one sentence with what to do instead."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from typing import Any

ABSENT = {
    "there are no complex numbers: compute with real and imaginary parts": (
        "fft stft istft complex complex32 complex64 complex128 cfloat cdouble polar view_as_complex view_as_real real "
        "imag conj"
    ),
    "there are no sparse tensors: use dense ones, and masks": (
        "sparse sparse_coo_tensor sparse_csr_tensor sparse_csc_tensor SparseAdam"
    ),
    "there is no map over functions: operations broadcast, so give them an axis for the batch": "vmap chunk_vmap",
    "there is no forward mode: jvp and jacfwd are two walks back": "forward_ad dual_level make_dual unpack_dual",
    "nothing is quantised": "quantization ao quantize_per_tensor quantize_per_channel qint8 quint8 qint32 quantized",
    "everything is computed in the dtype of its operands: leave it away": "amp autocast GradScaler",
    "NumPy has no bfloat16: use float32": "bfloat16",
    "steps and models are compiled by mg.compile": "jit fx dynamo _dynamo inductor compiler",
    "there are no devices to share work between": "mps xpu mtia",
    "the ranks of minigrad.distributed are what shares work": "multiprocessing DataParallel",
    "ranks exchange tensors of one shape: all_reduce, all_gather, reduce, gather, scatter, broadcast; and text: "
    "group.texts(json.dumps(value))": (
        "all_gather_object gather_object scatter_object_list broadcast_object_list reduce_scatter "
        "reduce_scatter_tensor all_to_all all_to_all_single send recv isend irecv"
    ),
    "no models are downloaded: build them, and load their state with mg.load": "hub",
    "matrices are not decomposed or inverted: with no gradient, use np.linalg on x.detach().numpy()": (
        "svd svdvals svd_lowrank pca_lowrank qr lu lu_factor lu_solve lstsq solve solve_triangular triangular_solve "
        "cholesky cholesky_ex cholesky_inverse cholesky_solve eig eigh eigvals eigvalsh lobpcg inv inv_ex inverse "
        "pinv pinverse det logdet slogdet matrix_rank cond matrix_exp ldl_factor ldl_solve householder_product ormqr "
        "orgqr geqrf tensorinv tensorsolve"
    ),
    "there are no recurrent layers: write the loop over time steps with Linear layers and mg.stack": (
        "RNN LSTM GRU RNNBase RNNCell LSTMCell GRUCell RNNCellBase pack_padded_sequence pad_packed_sequence "
        "pack_sequence unpack_sequence PackedSequence"
    ),
    "there are no attention layers: write softmax(q @ k.mT / sqrt(d)) @ v with Linear layers": (
        "MultiheadAttention Transformer TransformerEncoder TransformerEncoderLayer TransformerDecoder "
        "TransformerDecoderLayer scaled_dot_product_attention multi_head_attention_forward attention"
    ),
    "sizes are not guessed: give the layer its number of inputs": (
        "LazyLinear LazyConv1d LazyConv2d LazyConv3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d "
        "LazyInstanceNorm1d LazyInstanceNorm2d LazyConvTranspose1d LazyConvTranspose2d UninitializedParameter "
        "UninitializedBuffer"
    ),
    "convolution and pooling have one or two axes, not three": (
        "Conv3d ConvTranspose3d MaxPool3d AvgPool3d AdaptiveAvgPool3d AdaptiveMaxPool3d conv3d conv_transpose3d "
        "max_pool3d avg_pool3d adaptive_avg_pool3d adaptive_max_pool3d ZeroPad3d ConstantPad3d ReflectionPad3d "
        "ReplicationPad3d CircularPad3d MaxUnpool3d LPPool3d"
    ),
    "images are not resized or rearranged: reshape, permute, repeat_interleave and indexing can": (
        "Upsample UpsamplingNearest2d UpsamplingBilinear2d interpolate upsample grid_sample affine_grid PixelShuffle "
        "PixelUnshuffle ChannelShuffle pixel_shuffle pixel_unshuffle channel_shuffle Fold Unfold fold MaxUnpool1d "
        "MaxUnpool2d max_unpool1d max_unpool2d LPPool1d LPPool2d lp_pool1d lp_pool2d FractionalMaxPool2d"
    ),
    "bags are sums or means of an Embedding along an axis": "EmbeddingBag embedding_bag",
    "alignments are not computed": "CTCLoss ctc_loss AdaptiveLogSoftmaxWithLoss",
    "steps are first order: use SGD with momentum, or Adam": "LBFGS Adafactor Muon",
    "what backward needs is kept as it is": (
        "saved_tensors_hooks save_on_cpu allow_mutation_on_saved_tensors checkpoint"
    ),
    "times are taken with Python's profilers, or minigrad bench": "profiler emit_nvtx emit_itt",
    "work on the CPU is done when a call returns": "Stream Event",
}
"""By the reason, the names, separated by spaces; of whichever module."""

REASONS = {name: reason for reason, names in ABSENT.items() for name in names.split()}
"""By the name."""


def home(name: str, module: str) -> list[str]:
    """Where another module of the package has a public name, with the module: the one of the fewest parts."""
    package = module.partition(".")[0]
    places = [
        place
        for place, space in list(sys.modules.items())
        if place.partition(".")[0] == package and name in (getattr(space, "__all__", None) or ())
    ]
    return [f"{place}.{name}" for place in sorted(places, key=lambda place: (place.count("."), place))[:1]]


def absent(module: str) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module: a sentence for PyTorch's names, else the nearest of its own."""

    def missing(name: str) -> Any:
        space = sys.modules[module]
        if name in REASONS:
            text = f"{module}.{name} is not part of minigrad: {REASONS[name]}."
        else:
            own = {own.casefold(): own for own in getattr(space, "__all__", ())}
            near = [own[close] for close in difflib.get_close_matches(name.casefold(), own, 1, 0.8)]
            hint = "".join(f": did you mean {close}?" for close in [*home(name, module), *near][:1])
            text = f"module {module!r} has no attribute {name!r}{hint}"
        raise AttributeError(text, name=name, obj=space)

    return missing
