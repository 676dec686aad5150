"""Providers that travel between the rules.

Descriptors and blobs travel here; the OCI layout directory is an output among
others. Load these from `//rules:defs.bzl`.
"""

GadgetImageInfo = provider(
    doc = "A gadget built for one or more architectures and assembled into an OCI artifact.",
    fields = {
        "archs": "list[string]: architectures of the index, as GOARCH names, sorted.",
        "btf": "dict[string, File]: btfgen layer (`btf.<arch>.tar.gz`) by arch; empty without `btf`.",
        "compile_commands": "File: JSON list of how the source is compiled for each arch, in paths relative to the execution root; None for what is not compiled.",
        "configs": "dict[string, File]: config blob (the bytes of gadget.yaml) by arch.",
        "digest": "File: text file with the digest of the index, `sha256:<hex>` and a newline.",
        "layout": "File: OCI layout directory whose index.json names the one index.",
        "manifests": "dict[string, File]: OCI manifest by arch.",
        "metadata": "list[File]: the YAML files of the gadget's directory, build.yaml and gadget.yaml among them.",
        "objects": "dict[string, File]: `program.<arch>.bpf.o` by arch; an empty file for a gadget without program.",
        "provenance": "File: in-toto statement with SLSA provenance of the index.",
        "reports": "list[File]: JSON reports of btfgen, one per arch and shard.",
        "sbom": "File: SPDX document of the index.",
        "wasm": "File: the wasm program, or None.",
    },
)

GadgetPushInfo = provider(
    doc = "What a gadget_push target uploads, and where to.",
    fields = {
        "files": "depset[File]: the request and all files that it names, for the runfiles of what runs it.",
        "request": "File: JSON request of the push tool.",
    },
)

BtfShardsInfo = provider(
    doc = "Imported shards of a btfhub archive: the kernels that a gadget can get minimal BTF for.",
    fields = {
        "shards": """depset[struct]: one struct a shard: \
`id` (string, `<distro>/<version>/<arch>` in btfhub's spelling), `arch` (string, GOARCH), \
`archives` (list[File], what was imported), `file` (File, the imported form), `report` (File, JSON report of the import).""",
    },
)
