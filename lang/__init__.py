"""The language: text or a JAX function enters, a typed program in unary form leaves.

Diagnostics, claims and cost records live here too, because every other package speaks through them. This
package imports none of the others.
"""

if __name__ != "pushforward.lang":
    raise ImportError(f"import pushforward.lang, not {__name__}: two copies would share no classes")
