"""Names of Bazel's own that another file gives out unchanged."""

NativeProtoInfo = ProtoInfo
