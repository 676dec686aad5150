"""gadget_kernel_test: a gadget against a workload on a real kernel in a virtual machine."""

load("//rules:providers.bzl", "GadgetImageInfo")
load(":paths.bzl", "rlocation_path")

# What runs in the machine, by its name there.
_RUNNER = "bin/gadget-run"
_LAYOUT = "layout"

def _config(ctx):
    """Returns the content of the configuration that kerneltest reads."""
    image = ctx.attr.image[GadgetImageInfo]
    if "amd64" not in image.archs:
        fail("attribute 'image': %s is built for %s; the machine is amd64, add that to its archs" %
             (ctx.attr.image.label, ", ".join(image.archs)))
    files = ["%s=%s" % (_LAYOUT, rlocation_path(ctx, image.layout)), "%s=%s" % (_RUNNER, rlocation_path(ctx, ctx.executable._runner))]
    for target, name in ctx.attr.files.items():
        files.append("%s=%s" % (name, rlocation_path(ctx, target.files.to_list()[0])))
    return struct(
        name = str(ctx.label).lstrip("@"),
        kernel = rlocation_path(ctx, ctx.file.kernel),
        guest = rlocation_path(ctx, ctx.executable._guest),
        qemu = rlocation_path(ctx, ctx.executable.qemu) if ctx.executable.qemu else "",
        file = files,
        os_release = ctx.attr.os_release,
        workload = [json.encode([w for w in line.split(" ") if w]) for line in ctx.attr.workload],
        expect = ctx.attr.expect,
        expect_stderr = ctx.attr.expect_stderr,
        hide_btf = not ctx.attr.kernel_btf,
        timeout = ctx.attr.seconds,
        gadget = ["/" + _RUNNER, "-v", "run", "/" + _LAYOUT, "-o", "json"] + ctx.attr.gadget_args,
    )

def _gadget_kernel_test_impl(ctx):
    config = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(config, json.encode_indent(_config(ctx)))
    executable = ctx.actions.declare_file("%s_/%s" % (ctx.label.name, ctx.label.name))
    ctx.actions.symlink(output = executable, target_file = ctx.executable._kerneltest, is_executable = True)
    runfiles = ctx.runfiles(
        files = [config, ctx.file.kernel, ctx.attr.image[GadgetImageInfo].layout] +
                [f for t in ctx.attr.files for f in t.files.to_list()],
    )
    tools = [ctx.attr._kerneltest, ctx.attr._guest, ctx.attr._runner] + ([ctx.attr.qemu] if ctx.attr.qemu else [])
    for tool in tools:
        runfiles = runfiles.merge(tool[DefaultInfo].default_runfiles).merge(ctx.runfiles(transitive_files = tool[DefaultInfo].files))
    return [
        DefaultInfo(executable = executable, runfiles = runfiles),
        RunEnvironmentInfo(environment = {"KERNELTEST_CONFIG": rlocation_path(ctx, config)}),
    ]

gadget_kernel_test = rule(
    implementation = _gadget_kernel_test_impl,
    doc = """Boots a real kernel in QEMU, runs a gadget and a workload in it, and passes when the expected events come.

The machine needs no privilege and no /dev/kvm: software emulation boots a cloud kernel in some seconds. Where QEMU or the
kernel is unavailable the test says so and is skipped.""",
    test = True,
    attrs = {
        "expect": attr.string_list(
            mandatory = True,
            doc = "Events that must come, a JSON object each; an event may have more fields. A string `*x*` must be contained.",
        ),
        "expect_stderr": attr.string_list(
            doc = "Texts that gadget-run must say on stderr.",
        ),
        "files": attr.label_keyed_string_dict(
            allow_files = True,
            doc = "Further files of the machine, with their names in it, such as `bin/workload2`; programs must be static.",
        ),
        "gadget_args": attr.string_list(
            doc = "Further flags of `gadget-run run`.",
        ),
        "image": attr.label(
            mandatory = True,
            providers = [GadgetImageInfo],
            doc = "The gadget_image to run; it must be built for amd64.",
        ),
        "kernel": attr.label(
            mandatory = True,
            allow_single_file = True,
            doc = "The kernel: a bzImage, or a Debian package that holds one.",
        ),
        "kernel_btf": attr.bool(
            default = True,
            doc = "Whether the kernel shows its own BTF; without it the image's btfgen layer must do.",
        ),
        "os_release": attr.string(
            default = "debian:12",
            doc = "What the machine's os-release says, `<ID>:<VERSION_ID>`; the layer's lookup begins there.",
        ),
        "qemu": attr.label(
            executable = True,
            cfg = "target",
            doc = "qemu-system-x86_64; the one in PATH if not given.",
        ),
        "seconds": attr.int(
            default = 90,
            doc = "How long the gadget may take to report the events; booting is not counted.",
        ),
        "workload": attr.string_list(
            mandatory = True,
            doc = "Commands to observe, words separated by a space, run again and again until all events have come. There is " +
                  "`/bin/workload open FILE`, `create FILE` and `exec COMMAND...`; there is no shell.",
        ),
        "_guest": attr.label(
            default = Label("//tools/kerneltest/guest"),
            executable = True,
            cfg = "target",
            doc = "Process 1 of the machine.",
        ),
        "_kerneltest": attr.label(
            default = Label("//tools/kerneltest"),
            executable = True,
            cfg = "target",
            doc = "The test.",
        ),
        "_runner": attr.label(
            default = Label("//runner:gadget-run"),
            executable = True,
            cfg = "target",
            doc = "The runner.",
        ),
    },
)
