"""Tests of the package tree of a btfhub hub."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//toolchain/private:btfhub_tree.bzl", "build_files", "repository_of", "shard_error")

def _tree_test_impl(ctx):
    env = unittest.begin(ctx)
    made = build_files(
        local = ["debian/12/x86_64", "debian/12/arm64", "ubuntu/20.04/x86_64"],
        locked = {"debian/bullseye/x86_64": "@hub_debian_bullseye_x86_64//:shard"},
        hub = "hub",
        rules = "//rules:defs.bzl",
    )
    asserts.equals(env, "", made.error)
    asserts.equals(env, [
        "BUILD.bazel",
        "debian/12/BUILD.bazel",
        "debian/12/arm64/BUILD.bazel",
        "debian/12/x86_64/BUILD.bazel",
        "debian/BUILD.bazel",
        "debian/bullseye/BUILD.bazel",
        "debian/bullseye/x86_64/BUILD.bazel",
        "ubuntu/20.04/BUILD.bazel",
        "ubuntu/20.04/x86_64/BUILD.bazel",
        "ubuntu/BUILD.bazel",
    ], sorted(made.files.keys()))
    asserts.true(env, 'shard = "debian/12/arm64"' in made.files["debian/12/arm64/BUILD.bazel"])
    asserts.true(env, "@hub_debian_bullseye_x86_64//:shard" in made.files["debian/bullseye/x86_64/BUILD.bazel"])
    asserts.equals(env, 1, made.files["debian/BUILD.bazel"].count('"//debian/12"'), "each directory is listed once")
    asserts.true(env, '"//ubuntu"' in made.files["BUILD.bazel"])
    return unittest.end(env)

tree_test = unittest.make(_tree_test_impl)

def _errors_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, "", shard_error("amzn/2018/x86_64"))
    for shard in ["debian/12", "debian/12/aarch64", "debian//x86_64", "debian/../x86_64", "debian/1 2/x86_64", "/12/x86_64"]:
        asserts.true(env, "is not a shard" in shard_error(shard), shard)
    both = build_files(["debian/12/x86_64"], {"debian/12/x86_64": "@x//:shard"}, "hub", "//rules:defs.bzl")
    asserts.true(env, "remove one" in both.error, both.error)
    asserts.equals(env, {}, both.files)
    asserts.equals(env, "hub_debian_12_x86_64", repository_of("hub", "debian/12/x86_64"))
    return unittest.end(env)

errors_test = unittest.make(_errors_test_impl)

def btfhub_tree_test_suite(name):
    """Declares the tests of a hub's packages.

    Args:
      name: name of the test_suite.
    """
    unittest.suite(name, tree_test, errors_test)
