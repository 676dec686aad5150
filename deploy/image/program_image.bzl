"""program_image: a static Go program to a container image for several architectures."""

load("@io_bazel_rules_go//go:def.bzl", "GoArchive")
load("//rules:providers.bzl", "GadgetImageInfo")
load("//rules/private:tool.bzl", "params_args", "tool")  # buildifier: disable=bzl-visibility

_GO_TOOLCHAIN = "@io_bazel_rules_go//go:toolchain"

_DOC = """Builds a Go program for each architecture and puts it into a container image, alone but for certificates.

The default output is the OCI layout directory; the output groups `digest` and `attestations` hold the other parts.
gadget_push uploads it, with provenance and SBOM."""

def _archs_transition_impl(_settings, _attr):
    return {
        arch: {"//command_line_option:platforms": str(Label("//platforms:linux_" + arch))}
        for arch in ["amd64", "arm64"]
    }

_archs_transition = transition(
    implementation = _archs_transition_impl,
    inputs = [],
    outputs = ["//command_line_option:platforms"],
)

def _program_image_impl(ctx):
    programs = {
        arch: target[DefaultInfo].files_to_run.executable
        for arch, target in sorted(ctx.split_attr.program.items())
    }
    name = ctx.label.name
    layout = ctx.actions.declare_directory(name + ".oci")
    digest = ctx.actions.declare_file(name + ".digest")
    provenance = ctx.actions.declare_file(name + ".provenance.json")
    sbom = ctx.actions.declare_file(name + ".spdx.json")
    go = ctx.toolchains[_GO_TOOLCHAIN].sdk.go
    epoch = ctx.configuration.default_shell_env.get("SOURCE_DATE_EPOCH")
    args = params_args(ctx)
    args.add_all(["--program=%s=%s" % (arch, program.path) for arch, program in programs.items()])
    args.add(ctx.attr.path, format = "--path=%s")
    args.add_all(ctx.files.certificates, format_each = "--certificate=%s")
    args.add_all(ctx.files.packages, format_each = "--package=%s")
    args.add_all(["--label=%s=%s" % item for item in sorted(ctx.attr.labels.items())])
    if ctx.attr.version:
        args.add(ctx.attr.version, format = "--version=%s")
    if ctx.attr.stamp:
        args.add(ctx.info_file, format = "--status=%s")
    args.add(ctx.attr.path.split("/")[-1], format = "--name=%s")
    args.add("--target=//%s:%s" % (ctx.label.package, name))
    args.add(go, format = "--go=%s")
    args.add(ctx.file.go_sum, format = "--go-sum=%s")
    args.add_all([layout], format_each = "--out=%s", expand_directories = False)
    args.add(digest, format = "--digest-file=%s")
    args.add(provenance, format = "--provenance=%s")
    args.add(sbom, format = "--sbom=%s")
    ctx.actions.run(
        executable = ctx.executable._programimage,
        arguments = [args],
        inputs = programs.values() + ctx.files.certificates + ctx.files.packages + [go, ctx.file.go_sum] +
                 ([ctx.info_file] if ctx.attr.stamp else []),
        outputs = [layout, digest, provenance, sbom],
        env = {"SOURCE_DATE_EPOCH": epoch} if epoch else {},
        mnemonic = "ProgramImage",
        progress_message = "Assembling image %{label}",
        toolchain = _GO_TOOLCHAIN,
    )
    return [
        DefaultInfo(files = depset([layout])),
        OutputGroupInfo(
            attestations = depset([provenance, sbom]),
            digest = depset([digest]),
        ),
        GadgetImageInfo(
            archs = programs.keys(),
            btf = {},
            compile_commands = None,
            configs = {},
            digest = digest,
            layout = layout,
            manifests = {},
            metadata = [],
            objects = {},
            provenance = provenance,
            reports = [],
            sbom = sbom,
            wasm = None,
        ),
    ]

program_image = rule(
    implementation = _program_image_impl,
    doc = _DOC,
    attrs = {
        "certificates": attr.label_list(
            allow_files = True,
            doc = "PEM files with the certificates that the program trusts.",
        ),
        "go_sum": attr.label(
            allow_single_file = True,
            mandatory = True,
            doc = "The go.sum that has the hashes of the program's modules.",
        ),
        "labels": attr.string_dict(
            doc = "Labels of the image; its manifests and index have them as annotations.",
        ),
        "packages": attr.label_list(
            allow_files = True,
            doc = "JSON lists of the packages that the certificates are from.",
        ),
        "path": attr.string(
            mandatory = True,
            doc = "Path of the program in the image, without a slash before it.",
        ),
        "program": attr.label(
            cfg = _archs_transition,
            mandatory = True,
            providers = [GoArchive],
            doc = "The go_binary.",
        ),
        "stamp": attr.bool(
            doc = "Whether the image names the commit that it is made from, as STABLE_GIT_COMMIT of the workspace status names it.",
        ),
        "version": attr.string(
            doc = "Version of the program.",
        ),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
        "_programimage": tool(label = Label("//tools/programimage")),
    },
    provides = [GadgetImageInfo],
    toolchains = [_GO_TOOLCHAIN],
)
