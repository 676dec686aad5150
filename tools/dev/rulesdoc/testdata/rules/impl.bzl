"""Where it is made."""

_SIZE = 3
_DOC = "How large" + \
       " it is."

Info = provider(doc = "What a thing says.", fields = {"size": "int: how large | small it is."})

_ATTRS = {
    "size": attr.int(default = _SIZE, doc = _DOC),
    "_tool": attr.label(doc = "Private."),
}

thing = rule(implementation = None, doc = "Makes a thing.", attrs = _ATTRS | {
    "src": attr.label(mandatory = True, doc = "Its source."),
})

def things(name, count = 2):
    """Makes several.

    Args:
      name: prefix
        of their names.
      count: how many.
    """
    for i in range(count):
        thing(name = name + str(i), src = name)
