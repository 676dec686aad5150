"""Analysis tests of gadget_image."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "GadgetImageInfo")

def _mnemonics(env):
    counts = {}
    for action in analysistest.target_actions(env):
        counts[action.mnemonic] = counts.get(action.mnemonic, 0) + 1
    return counts

def _actions_test_impl(ctx):
    env = analysistest.begin(ctx)
    want = {k: int(v) for k, v in ctx.attr.mnemonics.items()}
    asserts.equals(env, want, _mnemonics(env))
    for action in analysistest.target_actions(env):
        asserts.false(env, action.mnemonic in ["Genrule", "Action"], "an action without a mnemonic of its own")
        for arg in action.argv or []:
            asserts.false(env, arg.startswith("/"), "absolute path %r in %s" % (arg, action.mnemonic))
    return analysistest.end(env)

actions_test = analysistest.make(
    _actions_test_impl,
    attrs = {"mnemonics": attr.string_dict(doc = "Expected count by mnemonic.")},
)

def _providers_test_impl(ctx):
    env = analysistest.begin(ctx)
    image = analysistest.target_under_test(env)[GadgetImageInfo]
    asserts.equals(env, ctx.attr.archs, image.archs)
    asserts.equals(env, ctx.attr.archs, sorted(image.objects.keys()))
    names = [f.basename for f in image.objects.values()]
    asserts.equals(env, ["program.%s.bpf.o" % a for a in ctx.attr.archs], names)
    asserts.true(env, image.layout.is_directory, "the layout is a directory")
    asserts.equals(env, ctx.attr.btf_archs, sorted(image.btf.keys()))
    return analysistest.end(env)

providers_test = analysistest.make(
    _providers_test_impl,
    attrs = {
        "archs": attr.string_list(doc = "Expected architectures."),
        "btf_archs": attr.string_list(doc = "Expected architectures with a btfgen layer."),
    },
)

def _inputs_test_impl(ctx):
    env = analysistest.begin(ctx)
    seen = 0
    for action in analysistest.target_actions(env):
        names = [f.basename for f in action.inputs.to_list()]
        if action.mnemonic == "BpfCompile":
            seen += 1
            asserts.true(env, "program.bpf.c" in names, "BpfCompile takes the source")
            asserts.equals(env, 1, len([n for n in names if n == "vmlinux.h"]), "BpfCompile takes the vmlinux.h of its arch alone")
        if action.mnemonic == "GadgetManifest":
            seen += 1
            asserts.true(env, "gadget.yaml" in names, "GadgetManifest takes the metadata")
            asserts.false(env, "program.bpf.c" in names, "GadgetManifest does not depend on the source")
    asserts.equals(env, 4, seen)
    return analysistest.end(env)

inputs_test = analysistest.make(_inputs_test_impl)

def _failure_test_impl(ctx):
    env = analysistest.begin(ctx)
    for text in ctx.attr.messages:
        asserts.expect_failure(env, text)
    return analysistest.end(env)

_FAILURE_ATTRS = {"messages": attr.string_list(doc = "Texts that the error must hold.")}

failure_test = analysistest.make(_failure_test_impl, expect_failure = True, attrs = _FAILURE_ATTRS)

# With a toolchain whose one vmlinux.h is for amd64.
one_vmlinux_failure_test = analysistest.make(
    _failure_test_impl,
    expect_failure = True,
    attrs = _FAILURE_ATTRS,
    config_settings = {"//command_line_option:extra_toolchains": [str(Label("//toolchain/tests:amd64_alone"))]},
)

# For a platform that Go does not support.
no_go_failure_test = analysistest.make(
    _failure_test_impl,
    expect_failure = True,
    attrs = _FAILURE_ATTRS,
    config_settings = {"//command_line_option:platforms": str(Label("//rules/tests:without_go"))},
)

def image_test_suite(name):
    """Declares the analysis tests of gadget_image.

    Args:
      name: name of the test_suite.
    """
    actions_test(
        name = "image_actions",
        target_under_test = "//rules/tests/minimal:image",
        mnemonics = {"BpfCompile": "2", "GadgetAttest": "1", "GadgetCompdb": "1", "GadgetIndex": "1", "GadgetManifest": "2"},
    )
    actions_test(
        name = "btf_actions",
        target_under_test = "//rules/tests/minimal:with_btf",
        mnemonics = {"BpfCompile": "2", "BtfGen": "1", "BtfLayer": "1", "GadgetAttest": "1", "GadgetCompdb": "1", "GadgetIndex": "1", "GadgetManifest": "2"},
    )
    actions_test(
        name = "wasm_actions",
        target_under_test = "//rules/tests/wasm:image",
        mnemonics = {"BpfCompile": "2", "GadgetAttest": "1", "GadgetCompdb": "1", "GadgetIndex": "1", "GadgetManifest": "2", "WasmCompile": "1"},
    )
    actions_test(
        name = "wasm_target_actions",
        target_under_test = "//rules/tests/wasm_target:image",
        mnemonics = {"BpfCompile": "2", "GadgetAttest": "1", "GadgetCompdb": "1", "GadgetIndex": "1", "GadgetManifest": "2", "WasmCompile": "1"},
    )
    inputs_test(name = "image_inputs", target_under_test = "//rules/tests/minimal:image")
    providers_test(
        name = "image_providers",
        target_under_test = "//rules/tests/minimal:image",
        archs = ["amd64", "arm64"],
    )
    providers_test(
        name = "one_arch_providers",
        target_under_test = "//rules/tests/minimal:one_arch",
        archs = ["arm64"],
    )
    providers_test(
        name = "btf_providers",
        target_under_test = "//rules/tests/minimal:with_btf",
        archs = ["amd64", "arm64"],
        btf_archs = ["amd64"],
    )
    failure_test(
        name = "unknown_arch",
        target_under_test = "//rules/tests/minimal:unknown_arch",
        messages = ["attribute 'archs': unknown architecture \"riscv64\", use amd64 or arm64"],
    )
    failure_test(
        name = "not_wasm",
        target_under_test = "//rules/tests/wasm_target:not_wasm",
        messages = ["attribute 'wasm'", "makes 0 .wasm files, want one"],
    )
    failure_test(
        name = "repeated_arch",
        target_under_test = "//rules/tests/minimal:repeated_arch",
        messages = ["attribute 'archs'", "names an architecture twice"],
    )
    failure_test(
        name = "repeated_shard",
        target_under_test = "//rules/tests/minimal:repeated_shard",
        messages = ["attribute 'btf': shard \"debian/12/x86_64\" is given twice"],
    )
    failure_test(
        name = "image_without_files",
        target_under_test = "//rules/tests/minimal:without_files",
        messages = ["attribute 'srcs': \"rules/tests/minimal\" has no files of a gadget; put program.bpf.c and gadget.yaml there"],
    )
    one_vmlinux_failure_test(
        name = "arch_without_vmlinux",
        target_under_test = "//rules/tests/minimal:image",
        messages = ["attribute 'archs': the toolchain has no vmlinux.h for \"arm64\", only for amd64"],
    )
    no_go_failure_test(
        name = "wasm_without_go",
        target_under_test = "//rules/tests/minimal:wasm_in_go",
        messages = ["attribute 'srcs'", "has Go sources for a wasm program, but no Go toolchain is registered"],
    )
    native.test_suite(name = name, tests = [
        ":arch_without_vmlinux",
        ":btf_actions",
        ":btf_providers",
        ":image_actions",
        ":image_inputs",
        ":image_providers",
        ":image_without_files",
        ":not_wasm",
        ":one_arch_providers",
        ":repeated_arch",
        ":repeated_shard",
        ":unknown_arch",
        ":wasm_actions",
        ":wasm_target_actions",
        ":wasm_without_go",
    ])
