"""The levels of internal/, checked against the build graph."""

load("@io_bazel_rules_go//go:def.bzl", "go_test")

def levels_test(name, levels, action_tools):
    """A test that packages depend on their own level and those below, and that no build action reaches the network.

    Args:
      name: name of the test.
      levels: list of lists of labels, the lowest level first; every package of internal/ must be in one.
      action_tools: labels of the tools that build actions run.
    """
    data, args = [], []
    for i, packages in enumerate(levels):
        query = "%s_level_%d" % (name, i)
        native.genquery(
            name = query,
            expression = "kind('go_library', deps(%s))" % " + ".join(packages),
            scope = packages,
            testonly = True,
        )
        data.append(":" + query)
        args.append("--level=%s=$(rootpath :%s)" % (",".join(packages), query))
    actions = name + "_actions"
    native.genquery(
        name = actions,
        expression = "kind('go_library', deps(%s))" % " + ".join(action_tools),
        scope = action_tools,
        testonly = True,
    )
    go_test(
        name = name,
        srcs = ["levels_test.go"],
        args = args + ["--actions=$(rootpath :%s)" % actions],
        data = data + [":" + actions],
        rundir = ".",
    )
