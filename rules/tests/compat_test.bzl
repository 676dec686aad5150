"""Analysis tests of gadget_compat."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load(":image_test.bzl", "failure_test")

def _matrix_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    made = [a for a in analysistest.target_actions(env) if a.mnemonic == "GadgetCompat"]
    asserts.equals(env, 1, len(made))
    inputs = [f.basename for f in made[0].inputs.to_list()]
    for name in ["program.amd64.bpf.o", "program.arm64.bpf.o", "debian_12_x86_64.report.json"]:
        asserts.true(env, name in inputs, "GadgetCompat takes %s" % name)
    groups = target[OutputGroupInfo]
    asserts.equals(env, ["compat.html"], [f.basename for f in groups.html.to_list()])
    asserts.equals(env, ["compat.json"], [f.basename for f in groups.json.to_list()])
    environment = target[RunEnvironmentInfo].environment
    for name, extension in {"GADGET_COMPAT_HTML": "html", "GADGET_COMPAT_JSON": "json", "GADGET_COMPAT_TEXT": "txt"}.items():
        asserts.equals(env, "%s/rules/tests/minimal/compat.%s" % (ctx.workspace_name, extension), environment[name])
    return analysistest.end(env)

matrix_test = analysistest.make(_matrix_test_impl)

def compat_test_suite(name):
    """Declares the analysis tests of gadget_compat.

    Args:
      name: name of the test_suite.
    """
    matrix_test(name = "compat_matrix", target_under_test = "//rules/tests/minimal:compat")
    failure_test(
        name = "compat_of_shards",
        target_under_test = "//rules/tests/minimal:compat_of_shards",
        messages = ["GadgetImageInfo"],
    )
    native.test_suite(name = name, tests = [
        ":compat_matrix",
        ":compat_of_shards",
    ])
