"""Native code through LLVM: a first-order program with known sizes enters, machine code leaves.

The steps of a program become loop nests over memory. The outermost parallel loop runs several rounds at once, each in a
lane of the machine's vector registers, as in the SPMD programs of Pharr & Mark (2012, "ispc: a SPMD compiler for
high-performance CPU programming"): numbers that are equal in all lanes stay scalars, the others become vectors.

Nothing of JAX or XLA is used here.
"""
