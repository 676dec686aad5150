"""The rule bpf_headers: headers together with the directory that sources include them from."""

load(":providers.bzl", "BpfHeadersInfo")

def _bpf_headers_impl(ctx):
    suffix = "/" + ctx.attr.anchor
    for header in ctx.files.hdrs:
        if header.path.endswith(suffix):
            return [
                DefaultInfo(files = depset(ctx.files.hdrs)),
                BpfHeadersInfo(
                    files = depset(ctx.files.hdrs),
                    include = header.path.removesuffix(suffix),
                ),
            ]
    return fail("attribute 'anchor': none of the %d files of 'hdrs' ends with %r; name one of them as sources include it" %
                (len(ctx.files.hdrs), ctx.attr.anchor))

bpf_headers = rule(
    doc = "Headers of one include directory, for the attributes of bpf_toolchain.",
    implementation = _bpf_headers_impl,
    attrs = {
        "anchor": attr.string(
            doc = "One of the headers as sources include it, such as `bpf/bpf_helpers.h`: what precedes it in the header's path " +
                  "is the include directory.",
            mandatory = True,
        ),
        "hdrs": attr.label_list(
            doc = "The headers.",
            allow_files = True,
            mandatory = True,
        ),
    },
    provides = [BpfHeadersInfo],
)
