"""gadgets_kernel_test: many gadgets, one after the other, on a real kernel in a virtual machine."""

load("//rules:providers.bzl", "GadgetImageInfo")
load(":kernel_machine.bzl", "CACHE", "MACHINE_ATTRS", "MACHINE_ENV", "machine_config", "machine_providers", "wasm_cache")
load(":paths.bzl", "rlocation_path")

def _arch_transition_impl(_settings, attr):
    return {"//command_line_option:platforms": str(Label("//platforms:linux_" + attr.arch))}

_arch_transition = transition(
    implementation = _arch_transition_impl,
    inputs = [],
    outputs = ["//command_line_option:platforms"],
)

def _gadgets_kernel_test_impl(ctx):
    files = {}
    for target, name in ctx.attr.images.items():
        image = target[GadgetImageInfo]
        if ctx.attr.arch not in image.archs:
            fail("attribute 'images': %s is built for %s; add %s to its archs" %
                 (target.label, ", ".join(image.archs), ctx.attr.arch))
        files["gadgets/" + name] = image.layout
    runner, guest = ctx.attr._runner[0], ctx.attr._guest[0]
    files["bin/gadget-run"] = runner[DefaultInfo].files_to_run.executable
    images = [target[GadgetImageInfo] for target in ctx.attr.images]
    if ctx.attr.emulator:
        files |= wasm_cache(ctx, images, ctx.attr._wasmcache_of_machine[0], ctx.attr.emulator[DefaultInfo].files_to_run)
    else:
        files |= wasm_cache(ctx, images)
    tests = [t[DefaultInfo].files_to_run.executable for t in ctx.attr.tests]
    config = machine_config(ctx, files, guest[DefaultInfo].files_to_run.executable) | {
        "arch": ctx.attr.arch,
        "env": MACHINE_ENV + ["GADGET_RUN=/bin/gadget-run", "GADGETS=/gadgets/*", "GADGETS_CACHE=/" + CACHE],
        "run": ctx.attr.run,
        "test": [rlocation_path(ctx, t) for t in tests],
    }
    return machine_providers(ctx, config, files.values() + tests, [guest])

gadgets_kernel_test = rule(
    implementation = _gadgets_kernel_test_impl,
    doc = """Boots a real kernel in QEMU once and runs Go tests of many gadgets in it.

`tests` are programs of Go tests without C (go_test with `pure = "on"`). In the machine the environment variable `GADGET_RUN`
is the path of the runner, and `GADGETS` that of the artifacts, with a star for the gadget's name. `GADGETS_CACHE` is a cache
directory (`XDG_CACHE_HOME`) that has their wasm programs compiled. Each test is in the report by its name, with what it says when it skips.""",
    test = True,
    attrs = MACHINE_ATTRS | {
        "arch": attr.string(
            default = "amd64",
            values = ["amd64", "arm64"],
            doc = "Architecture of the kernel and all programs in the machine: amd64 or arm64.",
        ),
        "emulator": attr.label(
            executable = True,
            cfg = "exec",
            doc = "What runs programs for `arch` where actions run, such as qemu-aarch64 of Debian's qemu-user: " +
                  "wasm programs for another architecture are then compiled by an action, once, and not in the machine.",
        ),
        "images": attr.label_keyed_string_dict(
            mandatory = True,
            providers = [GadgetImageInfo],
            doc = "Each gadget_image, and its name in the machine.",
        ),
        "run": attr.string(
            doc = "Regular expression of the tests to run, as Go's -test.run; all if not given.",
        ),
        "tests": attr.label_list(
            mandatory = True,
            cfg = _arch_transition,
            doc = "Programs of Go tests, built for `arch`.",
        ),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
        "_guest": attr.label(
            default = Label("//tools/kerneltest/guest"),
            cfg = _arch_transition,
            doc = "Process 1 of the machine.",
        ),
        "_runner": attr.label(
            default = Label("//runner:gadget-run"),
            cfg = _arch_transition,
            doc = "The runner.",
        ),
        "_wasmcache_of_machine": attr.label(
            default = Label("//tools/wasmcache"),
            cfg = _arch_transition,
            doc = "The wasmcache tool, built for `arch`.",
        ),
    },
)
