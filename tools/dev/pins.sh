# shellcheck shell=sh disable=SC2034
# The versions of the development tools that come as Go modules: read by fix, lint and site.
buildifier=github.com/bazelbuild/buildtools/buildifier@v0.0.0-20250930140053-2eb4fccefb52
gofumpt=mvdan.cc/gofumpt@v0.12.0
gazelle=github.com/bazelbuild/bazel-gazelle/cmd/gazelle@v0.47.0
golangci_lint=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
hugo=github.com/gohugoio/hugo@v0.164.0
