"""PyTorch's checkpoints, read without PyTorch: tensors, containers and numbers, and nothing that could run code.

The format is that of ``torch.save``, of both its layouts: a zip with ``data.pkl`` and a part for each storage, and, of
PyTorch before 1.6, pickles followed by the storages. The pickles are read by an unpickler that knows a list of names;
every other name is refused.
"""

from __future__ import annotations

import collections
import contextlib
import io
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import numpy as np
from numpy import ndarray
from numpy.lib.stride_tricks import as_strided

from ..engine.node import wrap
from ..tensor.tensor import Tensor
from .errors import CheckpointError

BFLOAT16 = "bfloat16"
"""Stands for the dtype that NumPy lacks; its values become float32."""

DTYPES: dict[str, Any] = {
    "Float": "f4", "Double": "f8", "Half": "f2", "BFloat16": BFLOAT16, "Long": "i8", "Int": "i4", "Short": "i2",
    "Char": "i1", "Byte": "u1", "Bool": "?",
}  # fmt: skip
"""The dtypes of PyTorch's storages, by the first part of their names."""

BY_NAME = {
    "float32": "f4", "float64": "f8", "float16": "f2", "bfloat16": BFLOAT16, "int64": "i8", "int32": "i4",
    "int16": "i2", "int8": "i1", "uint8": "u1", "bool": "?", "uint16": "u2", "uint32": "u4", "uint64": "u8",
}  # fmt: skip
"""PyTorch's dtypes that have one of NumPy's, by name."""

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001


class Name:
    """A name of PyTorch's that a checkpoint may hold; it has no attributes that a pickle could set."""

    __slots__ = ()


class StorageType(Name):
    """A kind of storage. Pickles only name it."""

    __slots__ = ("dtype",)
    dtype: Any

    def __init__(self, dtype: Any) -> None:
        object.__setattr__(self, "dtype", dtype)

    def __setattr__(self, name: str, value: Any) -> None:
        raise CheckpointError("it sets an attribute, which no checkpoint does.")


class Function(Name):
    """A function that a pickle may call."""

    __slots__ = ("call",)
    call: Callable[..., Any]

    def __init__(self, call: Callable[..., Any]) -> None:
        object.__setattr__(self, "call", call)

    def __call__(self, *args: Any) -> Any:
        return self.call(*args)

    def __setattr__(self, name: str, value: Any) -> None:
        raise CheckpointError("it sets an attribute, which no checkpoint does.")


class Storage:
    """The elements of one storage: those of several tensors, maybe."""

    __slots__ = ("dtype", "elements", "tensors")

    def __init__(self, elements: ndarray, dtype: Any) -> None:
        self.elements, self.dtype = elements, dtype
        self.tensors: dict[Any, Tensor] = {}


def rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> Tensor:
    """A tensor of elements of a storage; the same one for those that look at the same elements."""
    requires_grad, _hooks, flags = (*rest, None, None, None)[:3]
    if not isinstance(storage, Storage) or not all(type(n) is int and n >= 0 for n in (offset, *size, *stride)):
        raise CheckpointError("a tensor in it has a damaged description.")
    key = offset, tuple(size), tuple(stride), bool(requires_grad), repr(flags)
    if key not in storage.tensors:
        storage.tensors[key] = made(storage, offset, tuple(size), tuple(stride), bool(requires_grad), flags or {})
    return storage.tensors[key]


def made(
    storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], requires_grad: bool, flags: Any
) -> Tensor:
    """A tensor of its own memory; of elements that repeat, as those of ``expand``, a view that is not to be written."""
    elements = storage.elements
    last = offset + sum((n - 1) * step for n, step in zip(size, stride))
    if len(size) != len(stride) or (0 not in size and last >= elements.size):
        raise CheckpointError(f"a tensor {size} in it reaches beyond its storage of {elements.size} elements.")
    if not isinstance(flags, Mapping) or flags.get("conj"):
        raise CheckpointError("a tensor in it is complex, which minigrad has not.")
    if 0 in size:
        array = np.empty(size, elements.dtype)
    else:
        view = as_strided(elements[offset:], size, [step * elements.itemsize for step in stride])
        repeats = any(step == 0 and n > 1 for n, step in zip(size, stride))
        array = view if repeats else view.copy()
        if repeats:
            array.flags.writeable = False
    if flags.get("neg"):
        array = -array
    tensor: Tensor = wrap(array)
    return tensor.requires_grad_() if requires_grad else tensor


def rebuild_tensor_v3(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, dtype: Any, *rest: Any
) -> Tensor:
    """A tensor of a storage that says no dtype."""
    if not isinstance(storage, Storage) or not isinstance(dtype, np.dtype) or storage.elements.size % dtype.itemsize:
        raise CheckpointError("a tensor in it has a damaged description.")
    typed = Storage(storage.elements.view(dtype), dtype)
    return rebuild_tensor(typed, offset, size, stride, requires_grad, hooks, *rest)


def rebuild_parameter(data: Any, requires_grad: Any, _hooks: Any) -> Tensor:
    """The tensor of a parameter."""
    if not isinstance(data, Tensor):
        raise CheckpointError("a parameter in it has a damaged description.")
    return data.requires_grad_(bool(requires_grad)) if data.dtype.kind == "f" else data


def encoded(text: Any, encoding: Any) -> bytes:
    """Bytes, which pickles of protocol 2 hold as text."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise CheckpointError("it has damaged bytes.")
    return text.encode("latin-1")


def bytes_to_change(content: Any = b"") -> bytearray:
    """A bytearray; never one of so many zeros, which a short pickle could fill the memory with."""
    if not isinstance(content, bytes):
        raise CheckpointError("it has damaged bytes.")
    return bytearray(content)


def dtype_of(name: str) -> np.dtype[Any]:
    """NumPy's dtype for one of PyTorch's."""
    return np.dtype(np.float32 if BY_NAME[name] == BFLOAT16 else BY_NAME[name])


BUILTINS = {
    "set": Function(set), "complex": Function(complex), "bytes": Function(lambda: b""),
    "bytearray": Function(bytes_to_change),
}  # fmt: skip
"""Containers and numbers that pickles have no opcodes for, by their names in Python 2 and 3."""

KNOWN: dict[tuple[str, str], Any] = {
    ("_codecs", "encode"): Function(encoded),
    **{(module, name): made for module in ("builtins", "__builtin__") for name, made in BUILTINS.items()},
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("collections", "Counter"): collections.Counter,
    ("torch._utils", "_rebuild_tensor_v2"): Function(rebuild_tensor),
    ("torch._utils", "_rebuild_tensor_v3"): Function(rebuild_tensor_v3),
    ("torch._utils", "_rebuild_parameter"): Function(rebuild_parameter),
    ("torch.storage", "UntypedStorage"): StorageType("u1"),
    ("torch", "Size"): Function(lambda sizes=(): tuple(sizes)),
    ("torch", "device"): Function(lambda kind="cpu", *_: str(kind)),
    **{("torch", f"{kind}Storage"): StorageType(dtype) for kind, dtype in DTYPES.items()},
    **{("torch", name): dtype_of(name) for name in BY_NAME},
}
"""The names that a pickle may use, and what they stand for here."""


class Reader(pickle.Unpickler):
    """An unpickler that knows the names of ``KNOWN`` and no others."""

    def __init__(self, file: IO[bytes], storage: Callable[[Any, Any, Any], Storage]) -> None:
        super().__init__(file, encoding="utf-8")
        self.storage = storage
        self.storages: dict[Any, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for; others than those of ``KNOWN`` are refused."""
        try:
            return KNOWN[module, name]
        except KeyError:
            raise CheckpointError(
                f"it holds {module}.{name}. Only tensors, containers and numbers are read, since anything else could "
                "run code: load it with PyTorch, and save its state_dict() there."
            ) from None

    def persistent_load(self, pid: Any) -> Storage:
        """The storage that a pickle refers to."""
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage" and isinstance(pid[1], StorageType)):
            raise CheckpointError("it refers to something that is no storage.")
        _, kind, key, _place, numel, *view = pid
        if view and view[0] is not None:
            raise CheckpointError("it has a view of a storage, as PyTorch before 0.4 wrote.")
        if key not in self.storages:
            self.storages[key] = self.storage(kind.dtype, key, numel)
        return self.storages[key]


def elements_of(raw: Any, dtype: Any, big: bool = False) -> ndarray:
    """The elements of a storage from its bytes; bfloat16 as float32."""
    order = ">" if big else "<"
    if dtype == BFLOAT16:
        warnings.warn("the file holds bfloat16, which NumPy lacks: its values are float32 now.", stacklevel=2)
        return (np.frombuffer(raw, order + "u2").astype(np.uint32) << 16).view(np.float32)
    array = np.frombuffer(raw, order + dtype)
    return array.astype(array.dtype.newbyteorder("="))


def width(dtype: Any) -> int:
    """Bytes of an element in the file."""
    return 2 if dtype == BFLOAT16 else np.dtype(dtype).itemsize


@contextlib.contextmanager
def damage() -> Iterator[None]:
    """Whatever an unpickler raises about a damaged file as one error."""
    try:
        yield
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:
        raise CheckpointError("it is a damaged checkpoint of PyTorch's, or not one that torch.save wrote.") from error


def is_pytorchs(archive: zipfile.ZipFile) -> bool:
    """Whether a zip is one that ``torch.save`` wrote."""
    return any(name.endswith("/data.pkl") or name == "data.pkl" for name in archive.NameToInfo)


def read_zip(archive: zipfile.ZipFile, size: int) -> Any:
    """What a zip of ``torch.save``'s holds; ``size`` is the file's."""
    members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise CheckpointError("it is compressed: pack it anew with PyTorch, torch.save(torch.load(path), path).")
    if sum(member.file_size for member in members) > size:
        raise CheckpointError("its parts are larger than the file.")
    (pickled,) = (name for name in archive.NameToInfo if name.endswith("data.pkl"))
    prefix = pickled.removesuffix("data.pkl")
    big = f"{prefix}byteorder" in archive.NameToInfo and read_part(archive, f"{prefix}byteorder").strip() == b"big"

    def storage(dtype: Any, key: Any, numel: Any) -> Storage:
        raw = read_part(archive, f"{prefix}data/{key}")
        if type(numel) is not int or len(raw) != numel * width(dtype):
            raise CheckpointError(f"a storage in it has {len(raw)} bytes for {numel} elements.")
        return Storage(elements_of(raw, dtype, big), dtype)

    with damage():
        return Reader(io.BytesIO(read_part(archive, pickled)), storage).load()


def read_part(archive: zipfile.ZipFile, name: str) -> bytes:
    """A part of the zip."""
    if name not in archive.NameToInfo:
        raise CheckpointError(f"its part {name} is missing.")
    try:
        return archive.read(name)
    except zipfile.BadZipFile as error:
        if archive.NameToInfo[name].CRC == 0:
            raise CheckpointError(
                "it was written without checksums (torch.serialization.set_crc32_options(False)): save it anew "
                "with them."
            ) from error
        raise


def read_legacy(file: IO[bytes], size: int) -> Any:
    """What a file of PyTorch before 1.6 holds, or of ``_use_new_zipfile_serialization=False``."""
    with damage():
        plain = [Reader(file, no_storage).load() for _ in range(3)]
        if plain[0] != LEGACY_MAGIC or plain[1] != LEGACY_PROTOCOL:
            raise CheckpointError("it is of a layout of PyTorch's that is not known here.")
        big = not plain[2].get("little_endian", True)
        start = file.tell()
        kinds: dict[Any, Any] = {}

        def empty(dtype: Any, key: Any, numel: Any) -> Storage:
            kinds[key] = dtype
            if type(numel) is not int or not 0 <= numel * width(dtype) <= size:
                raise CheckpointError(f"a storage in it has {numel} elements, more than the file.")
            return Storage(np.zeros(numel, np.float32 if dtype == BFLOAT16 else dtype), dtype)

        Reader(file, empty).load()  # to find the storages, which stand behind the object
        storages = {}
        for key in Reader(file, no_storage).load():
            (count,) = struct.unpack(">q" if big else "<q", file.read(8))
            length = count * width(kinds[key])
            raw = file.read(length) if 0 <= length <= size else b""
            if len(raw) != length:
                raise CheckpointError("it is truncated.")
            storages[key] = Storage(elements_of(raw, kinds[key], big), kinds[key])
        file.seek(start)
        return Reader(file, lambda _dtype, key, _numel: storages[key]).load()


def no_storage(*_: Any) -> Storage:
    """In place of a storage where there is none."""
    raise CheckpointError("it refers to a storage where there is none.")
