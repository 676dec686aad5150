"""A Bazel repository out of a Go module.

Rule sets that are Go modules can come through the same proxy, and be checked by the same sums, as the Go code itself."""

_ENV = [
    "GOFLAGS",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
]

def _go(rctx, args, working_directory):
    go = rctx.which("go")
    if not go:
        fail("repository %r needs Go on PATH, to download a Go module" % rctx.name)
    env = {key: rctx.os.environ[key] for key in _ENV if rctx.os.environ.get(key)}
    env.update({
        "GOCACHE": str(rctx.path(".go/cache")),
        "GOFLAGS": "-modcacherw",
        "GOPATH": str(rctx.path(".go/path")),
        "GOWORK": "off",
    })
    result = rctx.execute([go] + args, environment = env, working_directory = working_directory)
    if result.return_code:
        fail("go %s: %s%s" % (" ".join(args), result.stdout, result.stderr))
    return result.stdout

def _go_module_archive_impl(rctx):
    rctx.file(".go/tmp/go.mod", "module m\n")
    module = rctx.attr.importpath + "@" + rctx.attr.version
    info = json.decode(_go(rctx, ["mod", "download", "-json", module], ".go/tmp"))
    if info["Sum"] != rctx.attr.sum:
        fail("attribute 'sum' of %s is %r, the proxy sends a module with %r" % (module, rctx.attr.sum, info["Sum"]))
    result = rctx.execute(["cp", "-R", info["Dir"] + "/.", "."])
    if result.return_code:
        fail("copying %s: %s" % (module, result.stderr))
    if rctx.attr.vendor:
        # Module archives leave vendor directories out. Tests import modules that do not exist.
        rctx.delete("tests")
        _go(rctx, ["mod", "vendor", "-e"], ".")

    # Run bits are lost in module archives as well.
    rctx.execute(["find", ".", "-name", "*.sh", "-exec", "chmod", "+x", "{}", "+"])
    rctx.delete(".go")

go_module_archive = repository_rule(
    implementation = _go_module_archive_impl,
    doc = "The files of a Go module, as they are. Needs Go on PATH.",
    attrs = {
        "importpath": attr.string(
            doc = "Path of the module.",
            mandatory = True,
        ),
        "sum": attr.string(
            doc = "The module's line in go.sum, from `h1:` on.",
            mandatory = True,
        ),
        "vendor": attr.bool(
            doc = "Whether to put the vendor directory back, for rule sets that build Go programs from it.",
        ),
        "version": attr.string(
            doc = "Version of the module, such as `v1.2.3`.",
            mandatory = True,
        ),
    },
    environ = _ENV,
)
