"""gadget_image: a gadget's directory to an OCI artifact."""

load("//rules:providers.bzl", "BtfShardsInfo", "GadgetImageInfo")
load(":assemble.bzl", "index", "manifest", "metadata_files")
load(":attest.bzl", "attestations")
load(":btf.bzl", "btf_layers")
load(":compile.bzl", "BPF_TOOLCHAIN", "compile_object")
load(":compile_commands.bzl", "compile_commands")
load(":tool.bzl", "tool")
load(":wasm.bzl", "GO_TOOLCHAIN", "compile_wasm")

_ARCHS = ["amd64", "arm64"]

_DOC = """Compiles a gadget for each arch and assembles the OCI artifact.

build.yaml is the source of truth: this rule takes the directory's files as inputs and
the actions read it. The default output is the OCI layout directory; the output
groups `objects`, `digest`, `btf`, `reports` and `attestations` hold the parts, and
`compile_commands` how the source is compiled, for editors."""

_ATTRS = {
    "archs": attr.string_list(
        default = _ARCHS,
        allow_empty = False,
        doc = "Architectures to build for, as GOARCH names; a subset of amd64 and arm64.",
    ),
    "btf": attr.label_list(
        providers = [BtfShardsInfo],
        doc = "Shards of btfhub archives; each kernel in them gets minimal BTF in the artifact, so that the gadget runs where the kernel has no BTF of its own.",
    ),
    "build_file": attr.label(
        allow_single_file = True,
        doc = "The build.yaml. Without one, its defaults hold: program.bpf.c and gadget.yaml.",
    ),
    "cflags": attr.string_list(
        doc = "Extra flags of the compiler, after those of build.yaml; the same kinds are allowed.",
    ),
    "labels": attr.string_dict(
        doc = "Extra OCI annotations of the artifact; they override those of gadget.yaml.",
    ),
    "srcs": attr.label_list(
        allow_files = True,
        mandatory = True,
        doc = "The files of the gadget's directory. Files that a compile did not read do not cause it to run again.",
    ),
    "strict_metadata": attr.bool(
        default = True,
        doc = "Whether what is wrong in gadget.yaml fails the build; False only warns, for gadgets of others.",
    ),
    "wasm": attr.label(
        allow_files = True,
        doc = "The wasm program: any target that makes a .wasm file, such as a go_binary with goos = \"wasip1\", goarch = \"wasm\" and linkmode = \"c-shared\", whose dependencies are those of the workspace. build.yaml must not name another.",
    ),
    "_attest": tool("attest"),
    "_btfgen": tool("btfgen"),
    "_btflayer": tool("btflayer"),
    "_compdb": tool("compdb"),
    "_compile": tool("compile"),
    "_index": tool("index"),
    "_manifest": tool("manifest"),
    "_wasm": tool("wasm"),
}

def _gadget_image_impl(ctx):
    if not ctx.files.srcs:
        fail("attribute 'srcs': %r has no files of a gadget; put program.bpf.c and gadget.yaml there" % ctx.label.package)
    archs = _checked_archs(ctx.attr.archs)
    objects = {arch: compile_object(ctx, arch) for arch in archs}
    wasm = compile_wasm(ctx)
    btf = btf_layers(ctx, objects)
    made = {arch: manifest(ctx, arch, objects[arch], wasm, btf.layers.get(arch)) for arch in archs}
    blobs = objects.values() + btf.layers.values() + [m.config for m in made.values()]
    out = index(ctx, [m.manifest for m in made.values()], blobs + ([wasm] if wasm else []))
    commands = compile_commands(ctx, archs)
    attested = attestations(ctx, archs, out.digest)
    return [
        DefaultInfo(files = depset([out.layout])),
        OutputGroupInfo(
            attestations = depset([attested.provenance, attested.sbom]),
            btf = depset(btf.layers.values()),
            compile_commands = depset([commands]),
            digest = depset([out.digest]),
            objects = depset(objects.values()),
            reports = depset(btf.reports),
        ),
        GadgetImageInfo(
            archs = archs,
            btf = btf.layers,
            compile_commands = commands,
            configs = {arch: m.config for arch, m in made.items()},
            digest = out.digest,
            layout = out.layout,
            manifests = {arch: m.manifest for arch, m in made.items()},
            metadata = metadata_files(ctx) + ([ctx.file.build_file] if ctx.file.build_file else []),
            objects = objects,
            provenance = attested.provenance,
            reports = btf.reports,
            sbom = attested.sbom,
            wasm = wasm,
        ),
    ]

def _checked_archs(archs):
    for arch in archs:
        if arch not in _ARCHS:
            fail("attribute 'archs': unknown architecture %r, use %s" % (arch, " or ".join(_ARCHS)))
    unique = sorted({arch: None for arch in archs}.keys())
    if len(unique) != len(archs):
        fail("attribute 'archs': %s names an architecture twice, name each once" % archs)
    return unique

gadget_image = rule(
    implementation = _gadget_image_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [GadgetImageInfo],
    toolchains = [
        BPF_TOOLCHAIN,
        config_common.toolchain_type(GO_TOOLCHAIN, mandatory = False),
    ],
)
