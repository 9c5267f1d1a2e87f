"""The hand whose points lie on triangles, in JAX; the formulations stand beside those of the simpler one."""

from .hand import ON_TRIANGLES as FORMULATIONS

__all__ = ["FORMULATIONS"]
