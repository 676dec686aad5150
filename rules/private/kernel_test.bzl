"""gadget_kernel_test: a gadget against a workload on a real kernel in a virtual machine."""

load("//rules:providers.bzl", "GadgetImageInfo")
load(":kernel_machine.bzl", "MACHINE_ATTRS", "machine_config", "machine_providers", "wasm_cache")

# What runs in the machine, by its name there.
_RUNNER = "bin/gadget-run"
_LAYOUT = "layout"

def _gadget_kernel_test_impl(ctx):
    image = ctx.attr.image[GadgetImageInfo]
    if "amd64" not in image.archs:
        fail("attribute 'image': %s is built for %s; the machine is amd64, add that to its archs" %
             (ctx.attr.image.label, ", ".join(image.archs)))
    files = {_LAYOUT: image.layout, _RUNNER: ctx.executable._runner} | wasm_cache(ctx, [image])
    config = machine_config(ctx, files, ctx.executable._guest) | {
        "expect": ctx.attr.expect,
        "expect_stderr": ctx.attr.expect_stderr,
        "gadget": ["/" + _RUNNER, "-v", "run", "/" + _LAYOUT, "-o", "json"] + ctx.attr.gadget_args,
        "workload": [json.encode([w for w in line.split(" ") if w]) for line in ctx.attr.workload],
    }
    return machine_providers(ctx, config, files.values(), [ctx.attr._guest, ctx.attr._runner])

gadget_kernel_test = rule(
    implementation = _gadget_kernel_test_impl,
    doc = """Boots a real kernel in QEMU, runs a gadget and a workload in it, and passes when the expected events come.

The machine needs no privilege and no /dev/kvm: software emulation boots a cloud kernel in some seconds. Where QEMU or the
kernel is unavailable the test reports that and is skipped.""",
    test = True,
    attrs = MACHINE_ATTRS | {
        "expect": attr.string_list(
            mandatory = True,
            doc = "Events that must come, a JSON object each; an event may have more fields. A string `*x*` must be contained.",
        ),
        "expect_stderr": attr.string_list(
            doc = "Texts that gadget-run must print to stderr.",
        ),
        "gadget_args": attr.string_list(
            doc = "Further flags of `gadget-run run`.",
        ),
        "image": attr.label(
            mandatory = True,
            providers = [GadgetImageInfo],
            doc = "The gadget_image to run; it must be built for amd64.",
        ),
        "workload": attr.string_list(
            mandatory = True,
            doc = "Commands to observe, words separated by a space, run again and again until all events have come. " +
                  "`/bin/workload open FILE`, `create FILE` and `exec COMMAND...` exist; a shell does not.",
        ),
        "_guest": attr.label(
            default = Label("//tools/kerneltest/guest"),
            executable = True,
            cfg = "target",
            doc = "Process 1 of the machine.",
        ),
        "_runner": attr.label(
            default = Label("//runner:gadget-run"),
            executable = True,
            cfg = "target",
            doc = "The runner.",
        ),
    },
)
