"""gadget_push_all: one `bazel run` uploads many gadgets."""

load("//rules:providers.bzl", "GadgetPushInfo")
load(":launch.bzl", "launch")
load(":paths.bzl", "rlocation_path")
load(":tool.bzl", "tool")

def _gadget_push_all_impl(ctx):
    requests = [push[GadgetPushInfo].request for push in ctx.attr.pushes]
    out = ctx.actions.declare_file(ctx.label.name + ".push_all.json")
    ctx.actions.write(out, json.encode_indent([rlocation_path(ctx, request) for request in requests]) + "\n")
    data = depset(transitive = [push[GadgetPushInfo].files for push in ctx.attr.pushes]).to_list()
    return launch(ctx, "_push", {"GADGET_PUSH_REQUESTS": out}, data = data)

gadget_push_all = rule(
    implementation = _gadget_push_all_impl,
    doc = """Uploads many gadgets: `bazel run` it, with `--repository-prefix` and `--tag` to override those of their `:push` targets.

```starlark
gadget_push_all(
    name = "push",
    pushes = [
        "//gadgets/trace_exec:push",
        "//gadgets/trace_open:push",
    ],
)
```

`bazel run //:push -- --repository-prefix ghcr.io/me/gadgets --tag v1` uploads `ghcr.io/me/gadgets/trace_exec:v1` and
`ghcr.io/me/gadgets/trace_open:v1`. What is wrong with any of them is found before the first is uploaded; it ends with the first upload that
fails, and the next run uploads what is not there yet. The digest-pinned references are alone on stdout, in the order of `pushes`.""",
    executable = True,
    attrs = {
        "pushes": attr.label_list(
            mandatory = True,
            allow_empty = False,
            providers = [GadgetPushInfo],
            doc = "The gadget_push targets to run.",
        ),
        "_push": tool("push"),
    },
)
