"""Analysis tests of the macro gadget: what its targets are, and that its arguments reach them."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load(":image_test.bzl", "failure_test", "providers_test")
load(":launch_test.bzl", "launch_test")
load(":push_test.bzl", "request_test")

_ONE_LINE = "rules/tests/wasm"

def _sources_test_impl(ctx):
    env = analysistest.begin(ctx)
    seen = 0
    for action in analysistest.target_actions(env):
        names = [f.basename for f in action.inputs.to_list()]
        asserts.false(env, "BUILD.bazel" in names, "%s takes the BUILD file" % action.mnemonic)
        if action.mnemonic in ["BpfCompile", "WasmCompile"]:
            seen += 1
            for name in ["build.yaml", "program.bpf.c", "program.go"]:
                asserts.true(env, name in names, "%s does not take %s" % (action.mnemonic, name))
    asserts.equals(env, 3, seen)
    return analysistest.end(env)

sources_test = analysistest.make(_sources_test_impl)

def gadget_test_suite(name):
    """Declares the analysis tests of gadget.

    Args:
      name: name of the test_suite.
    """
    sources_test(name = "gadget_sources", target_under_test = "//%s:image" % _ONE_LINE)
    providers_test(
        name = "gadget_alias",
        target_under_test = "//%s:wasm" % _ONE_LINE,
        archs = ["amd64", "arm64"],
    )
    launch_test(
        name = "gadget_run_target",
        target_under_test = "//%s:run" % _ONE_LINE,
        files = {"GADGET_RUN_LAYOUT": _ONE_LINE + "/image.oci"},
        tool = "gadget-run",
    )
    launch_test(
        name = "gadget_metadata_target",
        target_under_test = "//%s:metadata" % _ONE_LINE,
        files = {"GADGET_METADATA_OBJECT": _ONE_LINE + "/image_/program.amd64.bpf.o"},
        texts = {"GADGET_METADATA_OUT": _ONE_LINE + "/gadget.yaml"},
        tool = "metadata",
    )
    launch_test(
        name = "gadget_compat_target",
        target_under_test = "//%s:compat" % _ONE_LINE,
        files = {
            "GADGET_COMPAT_HTML": _ONE_LINE + "/compat.html",
            "GADGET_COMPAT_JSON": _ONE_LINE + "/compat.json",
            "GADGET_COMPAT_TEXT": _ONE_LINE + "/compat.txt",
        },
        tool = "compat",
    )
    launch_test(
        name = "gadget_compile_commands_target",
        target_under_test = "//%s:compile_commands" % _ONE_LINE,
        files = {"GADGET_COMPDB_LIST": _ONE_LINE + "/compile_commands.list.json"},
        tool = "compdb",
    )
    request_test(name = "gadget_push_target", target_under_test = "//%s:push" % _ONE_LINE)
    request_test(
        name = "gadget_push_arguments",
        target_under_test = "//rules/tests/wasm_target:push",
        repositories = ["registry.example/gadgets/wasm_target", "other.example/wasm_target"],
        expected_tags = ["v1"],
    )
    failure_test(
        name = "gadget_without_files",
        target_under_test = "//rules/tests/refused",
        messages = ["attribute 'srcs': \"rules/tests/refused\" has no files of a gadget"],
    )
    native.test_suite(name = name, tests = [
        ":gadget_alias",
        ":gadget_compat_target",
        ":gadget_compile_commands_target",
        ":gadget_metadata_target",
        ":gadget_push_arguments",
        ":gadget_push_target",
        ":gadget_run_target",
        ":gadget_sources",
        ":gadget_without_files",
    ])
