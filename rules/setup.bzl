"""The second step of a workspace without bzlmod: loads from what the first one, in repositories.bzl, declares."""

load("@bazel_gazelle//:deps.bzl", "gazelle_dependencies")
load("@io_bazel_rules_go//go:deps.bzl", "go_register_toolchains", "go_rules_dependencies")
load("//rules/private:go_repositories.bzl", "go_repositories")

def rules_gadget_setup(go_version = None):
    """Declares the Go modules that the build actions are made of, and registers Go.

    Args:
      go_version: the version of Go, or "host" for the one of the machine. None: the workspace registers Go by itself.
    """
    go_repositories()
    go_rules_dependencies()
    if go_version:
        go_register_toolchains(version = go_version)

    # Where gazelle reads which repositories there are, to write the BUILD files of Go modules: ours, not the consumer's.
    gazelle_dependencies(go_repository_default_config = Label("//:WORKSPACE"))
