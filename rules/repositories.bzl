"""What the rules need in a workspace without bzlmod.

    load("@rules_gadget//rules:repositories.bzl", "rules_gadget_dependencies")
    rules_gadget_dependencies()

    load("@rules_gadget//rules:setup.bzl", "rules_gadget_setup")
    rules_gadget_setup(go_version = "host")

    load("@rules_gadget//toolchain:repositories.bzl", "bpf_register_toolchains")
    bpf_register_toolchains()

A repository that the workspace declared before, under the same name, is kept.
"""

load("//rules/private:go_module_archive.bzl", "go_module_archive")

def rules_gadget_dependencies():
    """Declares rules_go and gazelle: rules_gadget_setup loads from them, and declares the rest."""
    declared = native.existing_rules()
    if "io_bazel_rules_go" not in declared:
        go_module_archive(
            name = "io_bazel_rules_go",
            importpath = "github.com/bazelbuild/rules_go",
            sum = "h1:oHAvkNIMaOhguFSCHi0bCoUhz2390srk4U0rTn9mqBc=",
            version = "v0.65.0",
        )
    if "bazel_gazelle" not in declared:
        go_module_archive(
            name = "bazel_gazelle",
            importpath = "github.com/bazelbuild/bazel-gazelle",
            sum = "h1:g3Rr1ZbkC1Pk20aOgBITxSD/efS1WbaSty5jC786Z3Q=",
            vendor = True,
            version = "v0.47.0",
        )
