"""The toolchain that compiles gadgets, for those who bring one of their own.

Most workspaces need nothing of this file: extensions.bzl (bzlmod) and repositories.bzl (WORKSPACE) register a pinned toolchain.
A compiler of another origin is described with bpf_headers (one for every include directory) and bpf_toolchain, and registered by a
toolchain() of type //toolchain:toolchain_type. Rules that compile for BPF read its BpfToolchainInfo.
"""

load("//toolchain/private:bpf_headers.bzl", _bpf_headers = "bpf_headers")
load("//toolchain/private:bpf_toolchain.bzl", _bpf_toolchain = "bpf_toolchain")
load("//toolchain/private:providers.bzl", _BpfHeadersInfo = "BpfHeadersInfo", _BpfToolchainInfo = "BpfToolchainInfo")

BpfHeadersInfo = _BpfHeadersInfo
BpfToolchainInfo = _BpfToolchainInfo
bpf_headers = _bpf_headers
bpf_toolchain = _bpf_toolchain
