"""Python scripts of case files, each in processes of its own.

::

    engine ──lifeline──> supervisor ──fork──> worker ──fork, exec──> whatever the script starts
           <──channel────────┴───────────────────┘
           <──stdout, stderr─────────────────────┴────────────────────┘

The supervisor (`supervisor`) never runs a line of the script: it starts the worker (`worker`), which does, waits for it,
kills what is left of it, and removes its folder. It does the same when the lifeline ends, which it also does if the
engine is killed. Neither is imported by the engine, only compiled and sent (`process`).

This guards against mistakes, not against malice: a script may do what the user who runs the engine may do.
"""
