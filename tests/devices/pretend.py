"""A device that is not there: `pretend:0`. Its tensors compute on the CPU and refuse what a GPU would refuse.

For tests of programs that are meant for a GPU on machines that have none. No kernel of a GPU runs and no number is a GPU's; what is shown
is that a program keeps to one device:

    two devices        an operator is given tensors of both. As on a GPU, a number of the CPU (a tensor without axes) may enter arithmetic
                       on the device, an image of the device may be indexed from the CPU, and `copy_` goes between them
    draws              a generator of the CPU draws on the device; or a draw there without a generator, whose numbers no CPU would repeat
    numpy              a tensor of the device is handed to numpy (torch itself refuses that)
    no CUDA kernel     operators that torch has for the CPU alone, by torch's own list of operators; products of whole numbers;
                       least squares by LAPACK's drivers

Where this is in doubt it refuses: a program that passes mixes no devices, one that fails may still run on some GPU.

`install` registers the device in this process, for good: torch has no way back, so it belongs into a process of its own. After that,
`with Pretended():` is where tensors can be made on it. Tensors of the device that are saved come back where `map_location` says, as a
GPU's do.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing

NAME = "pretend"
SETUP = "_setup_privateuseone_for_python_backend"  # torch's private function that makes a device out of Python
aten = torch.ops.aten

# The first argument may be indexed by whole numbers and masks that lie on the CPU.
INDEXED = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default)
# Besides arithmetic: where a number of the CPU may stand among tensors of the device.
TAKE_NUMBERS = (*INDEXED, aten.fill.Tensor, aten.fill_.Tensor, aten.masked_fill.Tensor, aten.masked_fill_.Tensor, aten.where.self)
# CUDA has these for floating-point numbers alone.
PRODUCTS = tuple(getattr(aten, name) for name in ("mm", "bmm", "mv", "dot", "addmm", "addmm_", "addmv", "addmv_", "baddbmm", "baddbmm_"))
# What autocast takes in the lower precision, on any device.
LOWERED = ("conv2d", "conv_transpose2d", "linear", "matmul", "mm", "bmm", "addmm", "baddbmm", "scaled_dot_product_attention")

_registered: list[torch.library.Library] = []  # what `install` registered; it counts for as long as it is held


class DeviceError(RuntimeError):
    """What no GPU would do; the text says which rule of the module docstring it is."""


class PretendTensor(Tensor):
    """A tensor of the device, around one of the CPU that holds its numbers."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> PretendTensor:
        made: PretendTensor = Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=torch.device(NAME, 0),
        )
        return made

    def __init__(self, held: Tensor) -> None:
        self.held = held

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.held!r})"

    def __reduce_ex__(self, protocol: Any) -> Any:
        """As a GPU's tensor is saved: the numbers, and the device to go back to unless `map_location` names another."""
        if isinstance(self, nn.Parameter):
            return torch._utils._rebuild_parameter, (self.detach(), self.requires_grad, {})
        return torch._utils._rebuild_device_tensor_from_cpu_tensor, (self.detach().cpu(), self.dtype, str(self.device), self.requires_grad)

    def tolist(self) -> Any:
        return self.held.tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _carried_out(func, args, kwargs or {})


class Pretended(TorchDispatchMode):
    """Where the device can be used. `operators` are the names of those that ran on it."""

    def __init__(self) -> None:
        super().__init__()
        self.operators: set[str] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Whether torch wraps the method below so that it is never compiled: the wrapper would import the compiler."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _carried_out(func, args, kwargs or {}, self)


def why_not() -> str:
    """Why this torch cannot pretend a device; empty where it can."""
    if not hasattr(backend_registration, SETUP):
        return f"torch {torch.__version__} has no torch.utils.backend_registration.{SETUP}, by which a device is made out of Python"
    if _list_of_operators() is None:
        return f"torch {torch.__version__} comes without its list of operators (torchgen's native_functions.yaml)"
    return ""


def install() -> torch.device:
    """Registers the device in this process, once and for good, and gives it."""
    if not _registered:
        getattr(backend_registration, SETUP)(NAME, backend_module=_Module())
        kernels = torch.library.Library("aten", "IMPL")
        kernels.impl("empty.memory_format", _empty, "PrivateUse1")
        kernels.impl("empty_strided", _empty_strided, "PrivateUse1")
        kernels.impl("_copy_from", _copy_from, "PrivateUse1")
        for name in LOWERED:
            kernels.impl(name, _lowered(getattr(aten, name)), "AutocastPrivateUse1")
        others = torch.library.Library("_", "IMPL")
        others.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
        _registered.extend((kernels, others))
        torch.serialization.register_package(0, lambda storage: None, _left_on_the_cpu)
        torch._utils._rebuild_tensor_v2 = _rebuilt
    return torch.device(NAME, 0)


class _Module:
    """What torch asks a device about itself."""

    def is_available(self) -> bool:
        return True

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        """Nothing draws on the device."""

    def is_initialized(self) -> bool:
        return True

    def device_count(self) -> int:
        return 1

    def current_device(self) -> int:
        return 0

    def synchronize(self, device: object = None) -> None:
        """Nothing is ever on its way."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]


def _carried_out(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], mode: Pretended | None = None) -> Any:
    """The operator on the CPU's tensors inside, its results on the device that they belong to."""
    there, here = list[PretendTensor](), list[Tensor]()
    _sort((args, tuple(kwargs.values())), there, here)
    wanted = kwargs.get("device")
    makes_there = bool(there) if wanted is None else _is_there(wanted)
    if not (there or makes_there):
        return func(*args, **kwargs)
    rules = _rules(func)
    if mode is not None:
        if rules.composite:  # in inference mode they come whole
            with mode:
                return func.decompose(*args, **kwargs)
        mode.operators.add(rules.name)
    if func is aten.copy_.default:
        _bare(args[0]).copy_(_bare(args[1]))
        return args[0]
    if there and here:
        _expect_one_device(func, rules, args, kwargs, here)
    if rules.no_kernel:
        raise DeviceError(f"{func} has no CUDA kernel, by torch's list of operators: take another, or move to the CPU first")
    if there and rules.product and not (there[0].is_floating_point() or there[0].is_complex()):
        raise DeviceError(f"{func} has no CUDA kernel for {there[0].dtype}: take the product of floating-point numbers")
    if func is aten.linalg_lstsq.default and kwargs.get("driver") not in (None, "gels"):
        raise DeviceError(f"{func}: CUDA has the driver 'gels' alone, got {kwargs['driver']!r}: solve on the CPU")
    if makes_there and rules.draws:
        how = "with a generator of the CPU" if kwargs.get("generator") is not None else "from the device's global generator"
        raise DeviceError(f"{func} draws on {NAME} {how}: draw on the CPU from the generator handed in, then move the numbers")
    bare = {name: _bare(value) for name, value in kwargs.items()}
    if wanted is not None:
        bare["device"] = torch.device("cpu")
    out = func(*map(_bare, args), **bare)
    if func is aten._local_scalar_dense.default or not makes_there:
        return out
    if rules.reshapes:
        return return_and_correct_aliasing(func, args, kwargs, _wrapped(out))
    changed = rules.changed(args, kwargs)
    if any(tensor.shape != tensor.held.shape for tensor in changed if isinstance(tensor, PretendTensor)):
        raise DeviceError(f"{func} gave a result another shape than that of its `out`, which this device cannot follow")
    return changed[0] if rules.gives_changed else _wrapped(out)


def _expect_one_device(func: Any, rules: _Rules, args: tuple[Any, ...], kwargs: Mapping[str, Any], here: list[Tensor]) -> None:
    """Refuses tensors of the CPU beside those of the device, but for the exceptions of the module docstring."""
    if func in INDEXED and isinstance(args[0], PretendTensor):
        here = [tensor for tensor in here if not any(tensor is index for index in args[1])]
    changed = rules.changed(args, kwargs)
    for tensor in here:
        if tensor.dim() or not rules.numbers or any(tensor is one for one in changed):
            raise DeviceError(
                f"Expected all tensors to be on the same device, but found at least two devices, {NAME}:0 and cpu: {func} was given "
                f"{tuple(tensor.shape)} {tensor.dtype} of the CPU"
            )


@dataclass(frozen=True)
class _Rules:
    """What holds for an operator."""

    name: str  # as in torch's list: add.Tensor
    composite: bool  # made of other operators, which have the rules
    numbers: bool  # a number of the CPU may stand among its tensors
    written: tuple[tuple[int, str], ...]  # arguments that it changes: place and name
    gives_changed: bool  # its result is the first of them
    reshapes: bool  # it changes their shape, or gives several of them
    draws: bool
    product: bool  # for floating-point numbers alone
    no_kernel: bool  # on CUDA

    def changed(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
        """The arguments that it changes."""
        return [args[place] if place < len(args) else kwargs.get(name) for place, name in self.written]


@cache
def _rules(func: Any) -> _Rules:
    schema = func._schema
    given = [entry.alias_info is not None and entry.alias_info.is_write for entry in schema.returns]
    name = schema.name.removeprefix("aten::") + (f".{func._overloadname}" if func._overloadname != "default" else "")
    return _Rules(
        name=name,
        composite=torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"),
        numbers=torch.Tag.pointwise in func.tags or func in TAKE_NUMBERS,
        written=tuple((place, each.name) for place, each in enumerate(schema.arguments) if each.alias_info and each.alias_info.is_write),
        gives_changed=given == [True],
        reshapes=torch.Tag.inplace_view in func.tags or (any(given) and len(given) > 1),
        draws=torch.Tag.nondeterministic_seeded in func.tags,
        product=func.overloadpacket in PRODUCTS,
        no_kernel=func.namespace == "aten" and not has_cuda_kernel(name),
    )


def has_cuda_kernel(name: str) -> bool:
    """Whether torch's list of operators gives this one (`add.Tensor`) a kernel for CUDA, or one for all devices.

    Raises:
        LookupError: the list has no such operator.
    """
    entry = _listed().get(name)
    if entry is None:
        raise LookupError(f"torch's list of operators has no {name}")
    delegate, kernels = entry
    if delegate:
        return has_cuda_kernel(delegate)
    return not kernels or any(kernel == "CUDA" or kernel.startswith("Composite") for kernel in kernels)


def _list_of_operators() -> Path | None:
    """Where it lies, if it does: a package beside torch has it."""
    found = importlib.util.find_spec("torchgen")
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / "packaged" / "ATen" / "native" / "native_functions.yaml"
    return file if file.is_file() else None


@cache
def _listed() -> dict[str, tuple[str, frozenset[str]]]:
    """Torch's operators by name: whose kernels it uses (a `structured_delegate`), and the devices that it has kernels for."""
    file = _list_of_operators()
    if file is None:
        raise LookupError("torch comes without its list of operators")
    text = file.read_text(encoding="utf-8")
    listed: dict[str, tuple[str, frozenset[str]]] = {}
    for entry in re.split(r"^- func: ", text, flags=re.MULTILINE)[1:]:
        delegate = re.search(r"^  structured_delegate: (\S+)", entry, re.MULTILINE)
        block = re.search(r"^  dispatch:\n((?:    .*\n)+)", entry, re.MULTILINE)
        kernels = re.findall(r"^    ([\w, ]+):", block[1], re.MULTILINE) if block else []
        kernels += ["CUDA"] if re.search(r"^  ufunc_inner_loop:", entry, re.MULTILINE) else []  # generated for CPU and CUDA
        devices = frozenset(name.strip() for kernel in kernels for name in kernel.split(","))
        listed[entry.partition("(")[0]] = delegate[1] if delegate else "", devices
        autogen = re.search(r"^  autogen: (.*)", entry, re.MULTILINE)
        for name in autogen[1].split(",") if autogen else ():
            listed[name.strip()] = "", frozenset({"CompositeExplicitAutograd"})
    return listed


def _is_there(device: Any) -> bool:
    return device is not None and torch.device(device).type == NAME


def _sort(values: Iterable[Any], there: list[PretendTensor], here: list[Tensor]) -> None:
    """Every tensor in (nested) arguments, by its device."""
    for value in values:
        if isinstance(value, PretendTensor):
            there.append(value)
        elif isinstance(value, Tensor):
            here.append(value)
        elif isinstance(value, list | tuple):
            _sort(value, there, here)


def _bare(value: Any) -> Any:
    """An argument with the CPU's tensors that are inside."""
    if isinstance(value, PretendTensor):
        return value.held
    return [_bare(part) for part in value] if isinstance(value, list | tuple) else value


def _wrapped(value: Any) -> Any:
    """A result with its tensors on the device."""
    if isinstance(value, list | tuple):
        return type(value)(_wrapped(part) for part in value)
    if not isinstance(value, Tensor) or isinstance(value, PretendTensor):
        return value
    with torch.inference_mode(value.is_inference()):  # a view of an ordinary tensor is an ordinary one
        return PretendTensor(value)


# Kernels that torch needs where no `Pretended` is entered, and where the operators above end up.


def _empty(size: Any, *, dtype: Any = None, memory_format: Any = None, **elsewhere: Any) -> Any:
    return PretendTensor(torch.empty(size, dtype=dtype, memory_format=memory_format or torch.contiguous_format))


def _empty_strided(size: Any, stride: Any, *, dtype: Any = None, **elsewhere: Any) -> Any:
    return PretendTensor(torch.empty_strided(size, stride, dtype=dtype))


def _copy_from(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
    _bare(target).copy_(_bare(source))
    return target


def _lowered(operator: Any) -> Callable[..., Any]:
    """The operator as autocast has it: floating-point arguments in the lower precision."""

    def run(*args: Any, **kwargs: Any) -> Any:
        dtype = torch.get_autocast_dtype(NAME)

        def cast(value: Any) -> Any:
            return value.to(dtype) if isinstance(value, Tensor) and value.dtype in (torch.float32, torch.float16, torch.bfloat16) else value

        with torch.autocast(NAME, enabled=False):
            return operator(*map(cast, args), **{name: cast(value) for name, value in kwargs.items()})

    return run


# Loading: what was saved from the CPU, and is wanted on the device.


def _left_on_the_cpu(storage: Any, location: str) -> Any:
    """The device has no storages of its own: `_rebuilt` moves the tensor instead."""
    return storage if location.partition(":")[0] == NAME else None


_rebuild = torch._utils._rebuild_tensor_v2


@wraps(_rebuild)  # under the name that files know it by
def _rebuilt(*args: Any, **kwargs: Any) -> Tensor:
    """A tensor out of a file, where `map_location` says."""
    made = _rebuild(*args, **kwargs)
    wanted = torch.serialization._serialization_tls.map_location
    if not isinstance(wanted, str | torch.device) or not _is_there(wanted):
        return made
    moved: Tensor = made.detach().to(wanted).requires_grad_(made.requires_grad)
    return moved
