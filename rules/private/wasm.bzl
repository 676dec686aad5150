"""The WasmCompile action: build.yaml's `wasm`, or the attribute, to program.wasm."""

load(":compile.bzl", "source_args")

GO_TOOLCHAIN = Label("@io_bazel_rules_go//go:toolchain")

_WASM_EXTENSIONS = ("wasm", "go")

def compile_wasm(ctx):
    """Declares the action that makes the gadget's wasm program, if it can have one.

    Whether build.yaml names a wasm program is known only when the action runs; a
    directory without a .wasm or .go file cannot name one and gets no action. What the
    attribute `wasm` names is checked and copied.

    Args:
      ctx: context of gadget_image.
    Returns:
      File (empty when build.yaml names no wasm program), or None.
    """
    sources = [f for f in ctx.files.srcs if f != ctx.file.build_file]
    if ctx.attr.wasm:
        return _take_module(ctx)
    if not any([f.extension in _WASM_EXTENSIONS for f in sources]):
        return None
    out = ctx.actions.declare_file("%s_/program.wasm" % ctx.label.name)
    unused = ctx.actions.declare_file("%s_/program.wasm.unused" % ctx.label.name)
    args = source_args(ctx, sources)
    inputs = sources + ([ctx.file.build_file] if ctx.file.build_file else [])
    transitive = []
    if any([f.extension == "go" for f in sources]):
        go = ctx.toolchains[GO_TOOLCHAIN]
        if not go:
            fail("attribute 'srcs': %s has Go sources for a wasm program, but no Go toolchain is registered; register one of rules_go" % ctx.label)
        args.add(go.sdk.root_file.dirname, format = "--goroot=%s")
        inputs.append(go.sdk.root_file)
        inputs.append(go.sdk.go)
        transitive = [go.sdk.srcs, go.sdk.headers, go.sdk.tools, go.sdk.libs]
    args.add(unused, format = "--unused-inputs=%s")
    args.add(out, format = "--out=%s")
    ctx.actions.run(
        executable = ctx.executable._wasm,
        arguments = [args],
        inputs = depset(inputs, transitive = transitive),
        outputs = [out, unused],
        unused_inputs_list = unused,
        mnemonic = "WasmCompile",
        progress_message = "Compiling wasm program of %{label}",
        toolchain = GO_TOOLCHAIN,
    )
    return out

def _take_module(ctx):
    """Declares the action that checks the module of the attribute `wasm`."""
    modules = [f for f in ctx.files.wasm if f.extension == "wasm"]
    if len(modules) != 1:
        fail("attribute 'wasm': %s makes %d .wasm files, want one; a go_binary needs goos = \"wasip1\", goarch = \"wasm\" and linkmode = \"c-shared\"" % (ctx.attr.wasm.label, len(modules)))
    out = ctx.actions.declare_file("%s_/program.wasm" % ctx.label.name)
    args = source_args(ctx, [])
    args.add(modules[0], format = "--module=%s")
    args.add(out, format = "--out=%s")
    ctx.actions.run(
        executable = ctx.executable._wasm,
        arguments = [args],
        inputs = modules + ([ctx.file.build_file] if ctx.file.build_file else []),
        outputs = [out],
        mnemonic = "WasmCompile",
        progress_message = "Checking wasm program of %{label}",
    )
    return out
