"""Names of Bazel's own that another file gives out unchanged."""

# buildifier: disable=native-proto-info
NativeProtoInfo = ProtoInfo
