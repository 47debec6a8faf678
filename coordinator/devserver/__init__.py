"""Runs the whole product on one machine: embedded servers, a supervisor, and catchers for messages.

`bin/run` uses all of it, `bin/test` only the embedded servers. Nothing here runs in production,
nothing in the product imports it, and it needs no Django except in `prepare`.
"""
