"""Analysis tests of gadget_kernel_test."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load(":image_test.bzl", "failure_test")

def _config_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    configs = [a for a in analysistest.target_actions(env) if a.mnemonic == "FileWrite" and "\"kernel\"" in (a.content or "")]
    asserts.equals(env, 1, len(configs))
    config = json.decode(configs[0].content)
    asserts.equals(env, ["[\"/bin/workload\",\"open\",\"/x\"]"], config["workload"])
    asserts.equals(env, ["{\"fname\": \"/x\"}"], config["expect"])
    asserts.true(env, config["hide_btf"], "BTF is to be hidden")
    asserts.equals(env, "/bin/gadget-run", config["gadget"][0])
    asserts.equals(env, "--failed", config["gadget"][-1])
    environment = target[RunEnvironmentInfo].environment
    asserts.true(env, environment["KERNELTEST_CONFIG"].endswith("/kernel_test.json"))
    runfiles = [f.basename for f in target[DefaultInfo].default_runfiles.files.to_list()]
    for name in ["image.oci", "gadget.yaml", "gadget-run", "guest", "kernel_test.json"]:
        asserts.true(env, name in runfiles, "%s is not in the runfiles" % name)
    return analysistest.end(env)

config_test = analysistest.make(_config_test_impl)

def kernel_test_suite(name):
    """Declares the analysis tests of gadget_kernel_test.

    Args:
      name: name of the test_suite.
    """
    config_test(
        name = "kernel_test_config",
        target_under_test = "//rules/tests/minimal:kernel_test",
    )
    failure_test(
        name = "kernel_test_of_arm64",
        target_under_test = "//rules/tests/minimal:one_arch_kernel_test",
        messages = ["attribute 'image'", "is built for arm64"],
    )
    native.test_suite(name = name, tests = [
        ":kernel_test_config",
        ":kernel_test_of_arm64",
    ])
