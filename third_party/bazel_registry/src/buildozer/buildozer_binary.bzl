"""The extension that bazel_tools asks for; `bazel mod tidy` finds no buildozer."""

def _empty_repository_impl(rctx):
    rctx.file("BUILD.bazel")

_empty_repository = repository_rule(
    implementation = _empty_repository_impl,
    doc = "A repository with nothing in it.",
)

def _buildozer_binary_impl(_mctx):
    _empty_repository(name = "buildozer_binary")

buildozer_binary = module_extension(
    implementation = _buildozer_binary_impl,
    doc = "Declares @buildozer_binary, without a binary.",
)
