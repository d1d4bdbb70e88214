"""What schemathesis can't know of this API, for `make check-documents`.

Tokens (cursors, positions, tickets) are opaque and come from answers: made-up ones are refused, rightly. Where a request
is meant to be valid, they are left out here. One event a line is a format of its own.
"""

import json

import schemathesis
from schemathesis.generation import GenerationMode

TOKENS = ("cursor", "ticket")
LSN_END = 2**53


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    if isinstance(value, (bytes, str)):
        return value
    return json.dumps(value)


@schemathesis.hook
def before_call(ctx, case, kwargs):
    query = case.query
    if not query:
        return
    # Whatever LSN is named has to be applied, or the read waits for it in vain, rightly.
    if str(query.get("at_least", "")).isdecimal() and int(query["at_least"]) < LSN_END:
        query["at_least"] = 0
    if case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE:
        for token in TOKENS:
            query.pop(token, None)
        if "at_least" in query:
            query["at_least"] = 0
