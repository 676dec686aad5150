"""What users loads."""

load(":impl.bzl", _Info = "Info", _thing = "thing", _things = "things")

thing = _thing
things = _things
Info = _Info
