"""Analysis tests of gadget_run, gadget_metadata and gadget_compile_commands: a tool that finds what it needs by its environment."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load(":image_test.bzl", "failure_test")

def _launch_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    want = {name: ctx.workspace_name + "/" + path for name, path in ctx.attr.files.items()} | ctx.attr.texts
    asserts.equals(env, want, target[RunEnvironmentInfo].environment)
    runfiles = [f.short_path for f in target[DefaultInfo].default_runfiles.files.to_list()]
    for path in ctx.attr.files.values():
        asserts.true(env, path in runfiles, "%s is not in the runfiles" % path)
    links = [a for a in analysistest.target_actions(env) if a.mnemonic == "ExecutableSymlink"]
    asserts.equals(env, 1, len(links), "one action links the tool")
    asserts.equals(env, [ctx.attr.tool], [f.basename for f in links[0].inputs.to_list()])
    asserts.equals(env, target[DefaultInfo].files_to_run.executable, links[0].outputs.to_list()[0])
    return analysistest.end(env)

launch_test = analysistest.make(
    _launch_test_impl,
    attrs = {
        "files": attr.string_dict(doc = "Path of a runfile by the variable that names it; others do not exist."),
        "texts": attr.string_dict(doc = "Other variables."),
        "tool": attr.string(doc = "Name of the program that is started."),
    },
)

def launch_test_suite(name):
    """Declares the analysis tests of this file.

    Args:
      name: name of the test_suite.
    """
    launch_test(
        name = "run_launch",
        target_under_test = "//rules/tests/minimal:run",
        files = {"GADGET_RUN_LAYOUT": "rules/tests/minimal/image.oci"},
        tool = "gadget-run",
    )
    launch_test(
        name = "metadata_launch",
        target_under_test = "//rules/tests/minimal:metadata",
        files = {"GADGET_METADATA_OBJECT": "rules/tests/minimal/image_/program.amd64.bpf.o"},
        texts = {"GADGET_METADATA_OUT": "rules/tests/minimal/other.yaml"},
        tool = "metadata",
    )
    for target in ["run_of_shards", "metadata_of_shards", "compile_commands_of_shards"]:
        failure_test(
            name = target,
            target_under_test = "//rules/tests/minimal:" + target,
            messages = ["GadgetImageInfo"],
        )
    launch_test(
        name = "compile_commands_launch",
        target_under_test = "//rules/tests/minimal:compile_commands",
        files = {"GADGET_COMPDB_LIST": "rules/tests/minimal/compile_commands.list.json"},
        tool = "compdb",
    )
    native.test_suite(name = name, tests = [
        ":compile_commands_launch",
        ":compile_commands_of_shards",
        ":metadata_launch",
        ":metadata_of_shards",
        ":run_launch",
        ":run_of_shards",
    ])
