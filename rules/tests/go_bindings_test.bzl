"""Analysis tests of gadget_go_bindings."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@io_bazel_rules_go//go:def.bzl", "GoInfo")
load(":image_test.bzl", "failure_test")

def _sources_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    made = [a for a in analysistest.target_actions(env) if a.mnemonic == "GadgetGoBindings"]
    asserts.equals(env, len(ctx.attr.archs), len(made), "an action for each arch")
    for action, arch in zip(made, ctx.attr.archs):
        asserts.true(env, "program.%s.bpf.o" % arch in [f.basename for f in action.inputs.to_list()], "it takes the object for " + arch)
    sources = [f.basename for f in target[DefaultInfo].files.to_list()]
    asserts.equals(env, ["%s_%s.go" % (target.label.name, arch) for arch in ctx.attr.archs], sources)
    objects = [f.basename for f in target[OutputGroupInfo].objects.to_list()]
    asserts.equals(env, ["%s_%s.o" % (target.label.name, arch) for arch in ctx.attr.archs], objects)
    return analysistest.end(env)

sources_test = analysistest.make(
    _sources_test_impl,
    attrs = {"archs": attr.string_list(doc = "Architectures of the image.")},
)

def _library_test_impl(ctx):
    env = analysistest.begin(ctx)
    go = analysistest.target_under_test(env)[GoInfo]
    asserts.equals(env, ctx.attr.importpath, go.importpath)
    asserts.equals(env, ctx.attr.archs, len(go.srcs))
    asserts.equals(env, ctx.attr.archs, len(go.embedsrcs))
    return analysistest.end(env)

library_test = analysistest.make(
    _library_test_impl,
    attrs = {
        "archs": attr.int(doc = "How many architectures the image has."),
        "importpath": attr.string(doc = "Expected import path."),
    },
)

def go_bindings_test_suite(name):
    """Declares the analysis tests of gadget_go_bindings.

    Args:
      name: name of the test_suite.
    """
    sources_test(
        name = "bindings_sources",
        target_under_test = "//rules/tests/minimal:bindings_bindings",
        archs = ["amd64", "arm64"],
    )
    library_test(
        name = "bindings_library",
        target_under_test = "//rules/tests/minimal:bindings",
        archs = 2,
        importpath = "example.com/minimal-bindings",
    )
    sources_test(
        name = "named_bindings_sources",
        target_under_test = "//rules/tests/minimal:named_bindings_bindings",
        archs = ["arm64"],
    )
    library_test(
        name = "named_bindings_library",
        target_under_test = "//rules/tests/minimal:named_bindings",
        archs = 1,
        importpath = "example.com/minimal",
    )
    failure_test(
        name = "bindings_of_shards",
        target_under_test = "//rules/tests/minimal:bindings_of_shards_bindings",
        messages = ["GadgetImageInfo"],
    )
    native.test_suite(name = name, tests = [
        ":bindings_library",
        ":bindings_of_shards",
        ":bindings_sources",
        ":named_bindings_library",
        ":named_bindings_sources",
    ])
