"""The processor that a library is for: a name enters, a target machine of LLVM leaves."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from llvmlite import binding

from ...lang.diagnostics import fail

_PROBE = """
from llvmlite import binding
from pushforward.codegen.artefacts.target import machine_for
machine_for({name!r}, "").emit_object(binding.parse_assembly("define void @f() {{ ret void }}"))
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A machine that makes position-independent code, and its name for people."""

    machine: binding.TargetMachine
    cpu: str


def target(cpu: str) -> Target:
    """`native` is the processor at hand with all that it can do, `generic` the least of its architecture; any other
    name is one of LLVM's, such as `x86-64-v3`. E188 when LLVM does not know it.

    >>> target("generic").cpu
    'generic'
    """
    if cpu == "native":
        name = binding.get_host_cpu_name()
        return Target(machine_for(name, binding.get_host_cpu_features().flatten()), f"{name}, the processor at hand")
    if cpu != "generic":
        _require_known(cpu)
    return Target(machine_for(cpu, ""), cpu)


def machine_for(cpu: str, features: str) -> binding.TargetMachine:
    """The target machine of a processor of this computer's architecture."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    here = binding.Target.from_default_triple()
    return here.create_target_machine(cpu=cpu, features=features, opt=3, reloc="pic", codemodel="default")


def _require_known(cpu: str) -> None:
    # LLVM ignores a name it does not know, with a line on standard error, and some names end the process.
    tried = subprocess.run(
        [sys.executable, "-c", _PROBE.format(name=cpu)], capture_output=True, text=True, check=False, timeout=60
    )
    if tried.returncode or "not a recognized processor" in tried.stderr:
        hint = "native, generic, or a name of LLVM for this architecture, such as x86-64-v3"
        raise fail("E188", f"there is no processor `{cpu}` here", hint=hint)
