"""Analysis tests of btf_shard and btf_shards."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "BtfShardsInfo")
load(":image_test.bzl", "actions_test", "failure_test")

def _shards_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    shards = target[BtfShardsInfo].shards.to_list()
    asserts.equals(env, ctx.attr.shards, {s.id: s.arch for s in shards})
    asserts.equals(env, [s.file for s in shards], target[DefaultInfo].files.to_list())
    for s in shards:
        asserts.equals(env, "btfshard", s.file.extension)
        asserts.true(env, s.report.basename.endswith(".import.json"), s.report.basename)
    return analysistest.end(env)

shards_test = analysistest.make(
    _shards_test_impl,
    attrs = {"shards": attr.string_dict(doc = "GOARCH name by shard; others do not exist.")},
)

def _import_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = [a for a in analysistest.target_actions(env) if a.mnemonic == "BtfImport"][0]
    outputs = [f.basename for f in action.outputs.to_list()]
    asserts.equals(env, ["arm64_shard.btfshard", "arm64_shard.import.json"], sorted(outputs))
    asserts.true(env, "6.1.btf.tar.xz" in [f.basename for f in action.inputs.to_list()], "it takes the archive")
    return analysistest.end(env)

import_test = analysistest.make(_import_test_impl)

def btf_shard_test_suite(name):
    """Declares the analysis tests of btf_shard and btf_shards.

    Args:
      name: name of the test_suite.
    """
    actions_test(
        name = "shard_actions",
        target_under_test = "//rules/tests/minimal:arm64_shard",
        mnemonics = {"BtfImport": "1"},
    )
    import_test(name = "shard_import", target_under_test = "//rules/tests/minimal:arm64_shard")
    shards_test(
        name = "one_shard",
        target_under_test = "//rules/tests/minimal:arm64_shard",
        shards = {"debian/12/arm64": "arm64"},
    )
    shards_test(
        name = "two_shards",
        target_under_test = "//rules/tests/minimal:both_shards",
        shards = {"debian/12/arm64": "arm64", "debian/12/x86_64": "amd64"},
    )
    failure_test(
        name = "shard_of_two_parts",
        target_under_test = "//rules/tests/minimal:shard_of_two_parts",
        messages = ["attribute 'shard': got \"debian/12\", use <distro>/<version>/<arch>"],
    )
    failure_test(
        name = "aarch64_shard",
        target_under_test = "//rules/tests/minimal:aarch64_shard",
        messages = ["attribute 'shard': got \"debian/12/aarch64\"", "arm64 or x86_64"],
    )
    failure_test(
        name = "shards_of_image",
        target_under_test = "//rules/tests/minimal:shards_of_image",
        messages = ["BtfShardsInfo"],
    )
    native.test_suite(name = name, tests = [
        ":aarch64_shard",
        ":one_shard",
        ":shard_actions",
        ":shard_import",
        ":shard_of_two_parts",
        ":shards_of_image",
        ":two_shards",
    ])
