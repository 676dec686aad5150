"""The extension that `bazel mod tidy` asks for a buildozer: built from its Go module when it is first needed."""

_BUILDTOOLS = "github.com/bazelbuild/buildtools/buildozer@v0.0.0-20250930140053-2eb4fccefb52"

def _buildozer_repository_impl(rctx):
    rctx.file("BUILD.bazel", 'exports_files(["buildozer.exe"])\n')
    env = {
        "CGO_ENABLED": "0",
        "GOBIN": str(rctx.path("bin")),
        "GOCACHE": str(rctx.path("cache")),
        "GOFLAGS": "-modcacherw",
        "GOPATH": str(rctx.path("gopath")),
    }
    result = rctx.execute(["go", "install", _BUILDTOOLS], environment = env)
    if result.return_code:
        fail("building buildozer: %s" % result.stderr)
    rctx.symlink("bin/buildozer", "buildozer.exe")
    rctx.delete("cache")
    rctx.delete("gopath")

_buildozer_repository = repository_rule(
    implementation = _buildozer_repository_impl,
    doc = "A buildozer.",
    environ = [
        "GOPROXY",
        "GOSUMDB",
    ],
)

def _buildozer_binary_impl(_mctx):
    _buildozer_repository(name = "buildozer_binary")

buildozer_binary = module_extension(
    implementation = _buildozer_binary_impl,
    doc = "Declares @buildozer_binary.",
)
