"""The machine: text of an LLVM module enters, machine code and then addresses of its functions leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from llvmlite import binding


@cache
def _optimiser() -> binding.TargetMachine:
    return _target_machine()


def _target_machine() -> binding.TargetMachine:
    """This computer, with all that its processor can do."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple()
    features = binding.get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=binding.get_host_cpu_name(), features=features, opt=3, jit=True)


@dataclass(frozen=True)
class Machine:
    """What a module became: the optimised text, and machine code as an object file."""

    text: str = field(repr=False)
    code: bytes = field(repr=False)


def compiled(text: str, machine: binding.TargetMachine | None = None) -> Machine:
    """Run LLVM's passes and its code generator, for this computer or for a machine that is given."""
    machine = machine or _optimiser()
    module = binding.parse_assembly(text)
    module.verify()
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.slp_vectorization = True
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    return Machine(str(module), machine.emit_object(module))


@dataclass(frozen=True)
class Loaded:
    """Machine code in this process; it stays as long as this object."""

    engine: binding.ExecutionEngine = field(repr=False)

    def address(self, name: str) -> int:
        """Where a function begins."""
        return self.engine.get_function_address(name)


def load(code: bytes) -> Loaded:
    """Put an object file into this process."""
    # The engine takes its target machine with it when it goes, so it gets one of its own.
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _target_machine())
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return Loaded(engine)


def assembly(text: str) -> str:
    """Optimised text as assembly, for people."""
    return _optimiser().emit_assembly(binding.parse_assembly(text))
