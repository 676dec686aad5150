"""Analysis tests of gadget_go_bindings."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@io_bazel_rules_go//go:def.bzl", "GoInfo")

def _sources_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    made = [a for a in analysistest.target_actions(env) if a.mnemonic == "GadgetGoBindings"]
    asserts.equals(env, 2, len(made), "an action for each arch")
    for action, arch in zip(made, ["amd64", "arm64"]):
        asserts.true(env, "program.%s.bpf.o" % arch in [f.basename for f in action.inputs.to_list()], "it takes the object for " + arch)
    sources = [f.basename for f in target[DefaultInfo].files.to_list()]
    asserts.equals(env, ["bindings_bindings_amd64.go", "bindings_bindings_arm64.go"], sources)
    objects = [f.basename for f in target[OutputGroupInfo].objects.to_list()]
    asserts.equals(env, ["bindings_bindings_amd64.o", "bindings_bindings_arm64.o"], objects)
    return analysistest.end(env)

sources_test = analysistest.make(_sources_test_impl)

def _library_test_impl(ctx):
    env = analysistest.begin(ctx)
    go = analysistest.target_under_test(env)[GoInfo]
    asserts.equals(env, "example.com/minimal-bindings", go.importpath)
    asserts.equals(env, 2, len(go.srcs))
    asserts.equals(env, 2, len(go.embedsrcs))
    return analysistest.end(env)

library_test = analysistest.make(_library_test_impl)

def go_bindings_test_suite(name):
    """Declares the analysis tests of gadget_go_bindings.

    Args:
      name: name of the test_suite.
    """
    sources_test(name = "bindings_sources", target_under_test = "//rules/tests/minimal:bindings_bindings")
    library_test(name = "bindings_library", target_under_test = "//rules/tests/minimal:bindings")
    native.test_suite(name = name, tests = [
        ":bindings_library",
        ":bindings_sources",
    ])
