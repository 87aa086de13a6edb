"""How bodies are written for which schemathesis knows no way: as the bytes or the text that they are."""

import schemathesis
from schemathesis.transport.serialization import serialize_binary


@schemathesis.serializer("application/jsonl", "application/offset+octet-stream")
def as_it_is(context, value):
    return serialize_binary(value)
