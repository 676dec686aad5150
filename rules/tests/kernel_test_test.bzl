"""Analysis tests of gadget_kernel_test and gadgets_kernel_test."""

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
    asserts.equals(env, "", config["modules_package"])
    asserts.equals(env, "/bin/gadget-run", config["gadget"][0])
    asserts.equals(env, "--failed", config["gadget"][-1])
    asserts.true(env, "program.bpf.c=_main/rules/tests/minimal/program.bpf.c" in config["file"], "the root is not in %s" % config["file"])
    asserts.equals(env, [], [a for a in analysistest.target_actions(env) if a.mnemonic == "WasmCache"])
    environment = target[RunEnvironmentInfo].environment
    asserts.true(env, environment["KERNELTEST_CONFIG"].endswith("/kernel_test.json"))
    runfiles = [f.basename for f in target[DefaultInfo].default_runfiles.files.to_list()]
    for name in ["image.oci", "gadget.yaml", "gadget-run", "guest", "kernel_test.json"]:
        asserts.true(env, name in runfiles, "%s is not in the runfiles" % name)
    return analysistest.end(env)

config_test = analysistest.make(_config_test_impl)

def _wasm_test_impl(ctx):
    env = analysistest.begin(ctx)
    actions = analysistest.target_actions(env)
    caches = [a for a in actions if a.mnemonic == "WasmCache"]
    asserts.equals(env, 1, len(caches))
    asserts.true(env, caches[0].argv[0].endswith(ctx.attr.program), "%s does not run %s" % (caches[0].argv, ctx.attr.program))
    asserts.true(env, caches[0].argv[-1].endswith("/program.wasm"), "%s does not end with the wasm program" % caches[0].argv)
    config = [json.decode(a.content) for a in actions if a.mnemonic == "FileWrite" and "\"kernel\"" in (a.content or "")][0]
    name, _, place = [f for f in config["file"] if "wasmcache" in f][0].partition("=")
    asserts.equals(env, "cache/gadget-run/wasm", name)
    asserts.true(env, caches[0].outputs.to_list()[0].short_path in place, "%s is not what is made" % place)
    asserts.true(env, "XDG_CACHE_HOME=/cache" in config["env"], "%s does not name the cache" % config["env"])
    return analysistest.end(env)

wasm_test = analysistest.make(_wasm_test_impl, attrs = {"program": attr.string()})

def _machine_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    configs = [a for a in analysistest.target_actions(env) if a.mnemonic == "FileWrite" and "\"kernel\"" in (a.content or "")]
    asserts.equals(env, 1, len(configs))
    config = json.decode(configs[0].content)
    asserts.equals(env, "arm64", config["arch"])
    asserts.equals(env, "^TestMinimal$", config["run"])
    asserts.equals(env, ["loop"], config["module"])
    asserts.true(env, config["modules_package"].endswith("/gadget.yaml"), "%s is not the package of the modules" % config["modules_package"])
    asserts.false(env, config["hide_btf"], "BTF is to be shown")
    asserts.equals(env, 1, len(config["test"]))
    asserts.true(env, config["test"][0].endswith("/wasmcache"), "%s is not the program of the test" % config["test"])
    for variable in ["GADGET_RUN=/bin/gadget-run", "GADGETS=/gadgets/*"]:
        asserts.true(env, variable in config["env"], "%s is not in %s" % (variable, config["env"]))
    files = dict([f.split("=") for f in config["file"]])
    asserts.equals(env, ["bin/gadget-run", "gadgets/minimal", "gadgets/other"], sorted(files.keys()))
    asserts.true(env, files["gadgets/other"].endswith("/one_arch.oci"), files["gadgets/other"])
    runfiles = {f.basename: f.path for f in target[DefaultInfo].default_runfiles.files.to_list()}
    for name in ["gadget-run", "gadget.yaml", "guest", "image.oci", "one_arch.oci", "wasmcache"]:
        asserts.true(env, name in runfiles, "%s is not in the runfiles" % name)
    return analysistest.end(env)

machine_test = analysistest.make(_machine_test_impl)

def kernel_test_suite(name):
    """Declares the analysis tests of gadget_kernel_test and gadgets_kernel_test.

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
    failure_test(
        name = "kernel_test_of_shards",
        target_under_test = "//rules/tests/minimal:kernel_test_of_shards",
        messages = ["GadgetImageInfo"],
    )
    failure_test(
        name = "kernel_test_of_two_packages",
        target_under_test = "//rules/tests/minimal:kernel_test_of_two_packages",
        messages = ["attribute 'modules_package'", "two_files has 2 files; give one Debian package"],
    )
    machine_test(
        name = "gadgets_kernel_test_config",
        target_under_test = "//rules/tests/minimal:gadgets_kernel_test_arm64",
    )
    failure_test(
        name = "gadgets_kernel_test_of_arm64",
        target_under_test = "//rules/tests/minimal:gadgets_kernel_test_amd64",
        messages = ["attribute 'images'", "one_arch is built for arm64; add amd64 to its archs"],
    )
    for arch, program in {"amd64": "/wasmcache", "arm64": "/index"}.items():
        wasm_test(
            name = "kernel_test_wasm_" + arch,
            program = program,
            target_under_test = "//rules/tests/wasm:kernel_test_" + arch,
        )
    native.test_suite(name = name, tests = [
        ":gadgets_kernel_test_config",
        ":gadgets_kernel_test_of_arm64",
        ":kernel_test_config",
        ":kernel_test_of_arm64",
        ":kernel_test_of_shards",
        ":kernel_test_of_two_packages",
        ":kernel_test_wasm_amd64",
        ":kernel_test_wasm_arm64",
    ])
