"""The version of these rules."""

# As in MODULE.bazel, which a WORKSPACE does not read.
VERSION = "0.1.0"
