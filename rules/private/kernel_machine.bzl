"""What the rules that boot a kernel have in common."""

load(":paths.bzl", "rlocation_path")
load(":tool.bzl", "params_args", exec_tool = "tool")

# Where the machine's gadget-run finds compiled wasm programs: the user's cache directory.
CACHE = "cache"
_WASM_CACHE = CACHE + "/gadget-run/wasm"

MACHINE_ENV = ["XDG_CACHE_HOME=/" + CACHE]

MACHINE_ATTRS = {
    "files": attr.label_keyed_string_dict(
        allow_files = True,
        doc = "Further files of the machine, with their names in it, such as `bin/workload2`; programs must be static.",
    ),
    "kernel": attr.label(
        mandatory = True,
        allow_single_file = True,
        doc = "The kernel: a bzImage, an Image of arm64, or a Debian package that holds one.",
    ),
    "kernel_btf": attr.bool(
        default = True,
        doc = "Whether the kernel shows its own BTF; without it the image's btfgen layer must do.",
    ),
    "modules": attr.string_list(
        doc = "Kernel modules to load first, such as `loop`, with those that they depend on, from the kernel's Debian package, " +
              "or from `modules_package`. One that the package lacks is left out: the kernel may have it built in.",
    ),
    "modules_package": attr.label(
        allow_files = True,
        doc = "The Debian package that holds the kernel's modules, where the kernel's own has none: from Linux 6.19 on Debian has them " +
              "in `linux-modules-<release>`. A filegroup without files is like none.",
    ),
    "os_release": attr.string(
        default = "debian:12",
        doc = "The distribution of the machine's os-release, `<ID>:<VERSION_ID>`; the layer's lookup begins there.",
    ),
    "qemu": attr.label(
        executable = True,
        cfg = "target",
        doc = "qemu-system-x86_64 or qemu-system-aarch64; the one in PATH if not given.",
    ),
    "root": attr.label_list(
        allow_files = True,
        doc = "Further files of the machine, each at its path below the package of its label, such as those of a filegroup in a " +
              "repository that is a C library with programs that need it.",
    ),
    "seconds": attr.int(
        default = 90,
        doc = "How long the gadget, or all tests together, may take; booting is not counted.",
    ),
    "_kerneltest": attr.label(
        default = Label("//tools/kerneltest"),
        executable = True,
        cfg = "target",
        doc = "The test.",
    ),
    "_wasmcache": exec_tool(label = Label("//tools/wasmcache")),
}

def wasm_cache(ctx, images, tool = None, emulator = None):
    """Declares the action that compiles the wasm programs of gadgets, for which an emulated machine takes minutes.

    Without an emulator its output is for the architecture of the machine that runs actions: on another one gadget-run
    ignores it.

    Args:
      ctx: of a rule with MACHINE_ATTRS.
      images: list of GadgetImageInfo.
      tool: Target of wasmcache for another machine, None for the one that runs actions.
      emulator: FilesToRunProvider or None, what runs the tool.
    Returns:
      dict of File by its name in the machine, empty where no gadget can have a wasm program.
    """
    modules = [image.wasm for image in images if image.wasm]
    if not modules:
        return {}
    out = ctx.actions.declare_directory(ctx.label.name + ".wasmcache")
    program = (tool or ctx.attr._wasmcache)[DefaultInfo].files_to_run
    emulated = ctx.actions.args()
    if emulator:
        emulated.add(program.executable)
    args = params_args(ctx)
    args.add_all([out], format_each = "--out=%s", expand_directories = False)
    args.add_all(modules)
    ctx.actions.run(
        executable = emulator or program,
        arguments = [emulated, args],
        inputs = modules,
        tools = [program],
        outputs = [out],
        mnemonic = "WasmCache",
        progress_message = "Compiling wasm programs for %{label}",
        toolchain = None,
    )
    return {_WASM_CACHE: out}

def _place(file):
    """Returns the path of a file below the package of its label."""
    repository = "../%s/" % file.owner.repo_name if file.owner.repo_name else ""
    package = file.owner.package + "/" if file.owner.package else ""
    return file.short_path.removeprefix(repository).removeprefix(package)

def machine_config(ctx, files, guest):
    """Returns the part of kerneltest's configuration that describes the machine.

    Args:
      ctx: of a rule with MACHINE_ATTRS.
      files: dict of File by its name in the machine; those of the attributes are added.
      guest: File, process 1.
    Returns:
      dict, to be written as JSON.
    """
    in_root = {_place(f): f for f in ctx.files.root}
    if len(ctx.files.modules_package) > 1:
        fail("attribute 'modules_package': %s has %d files; give one Debian package" %
             (ctx.attr.modules_package.label, len(ctx.files.modules_package)))
    modules = ctx.files.modules_package[0] if ctx.files.modules_package else None
    further = {name: target.files.to_list()[0] for target, name in ctx.attr.files.items()}
    return {
        "env": MACHINE_ENV,
        "file": ["%s=%s" % (name, rlocation_path(ctx, f)) for name, f in (in_root | files | further).items()],
        "guest": rlocation_path(ctx, guest),
        "hide_btf": not ctx.attr.kernel_btf,
        "kernel": rlocation_path(ctx, ctx.file.kernel),
        "module": ctx.attr.modules,
        "modules_package": rlocation_path(ctx, modules) if modules else "",
        "name": str(ctx.label).lstrip("@"),
        "os_release": ctx.attr.os_release,
        "qemu": rlocation_path(ctx, ctx.executable.qemu) if ctx.executable.qemu else "",
        "timeout": ctx.attr.seconds,
    }

def machine_providers(ctx, config, files, tools):
    """Returns the providers of a test that runs kerneltest.

    Args:
      ctx: of a rule with MACHINE_ATTRS.
      config: dict, the whole configuration.
      files: list of File that it names.
      tools: list of Target that it names.
    Returns:
      list of providers.
    """
    out = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(out, json.encode_indent(config))
    executable = ctx.actions.declare_file("%s_/%s" % (ctx.label.name, ctx.label.name))
    ctx.actions.symlink(output = executable, target_file = ctx.executable._kerneltest, is_executable = True)
    further = [f for t in ctx.attr.files for f in t.files.to_list()]
    runfiles = ctx.runfiles(files = [out, ctx.file.kernel] + ctx.files.modules_package + files + further + ctx.files.root)
    for tool in tools + [ctx.attr._kerneltest] + ([ctx.attr.qemu] if ctx.attr.qemu else []):
        runfiles = runfiles.merge(tool[DefaultInfo].default_runfiles).merge(ctx.runfiles(transitive_files = tool[DefaultInfo].files))
    return [
        DefaultInfo(executable = executable, runfiles = runfiles),
        RunEnvironmentInfo(environment = {"KERNELTEST_CONFIG": rlocation_path(ctx, out)}),
    ]
