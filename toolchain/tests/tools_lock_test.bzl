"""Tests of the lock file of prebuilt tools, and of its signatures."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//toolchain/private:ecdsa.bzl", "verify_p256")
load("//toolchain/private:tools.bzl", "PROGRAMS")
load("//toolchain/private:tools_lock.bzl", "parse_tools_lock")
load("//toolchain/private:version.bzl", "VERSION")

# Made by openssl: two keys, the sha256 of "hello", and its signatures by the first key.
_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEtL9XYIVD98K9CPMOr0Tezi0emkbA
eEsQdm9PUD46Ep+QA9qOWkeidJAX0xEdb5k6sYTcHvYpq9kKm04gwvYppw==
-----END PUBLIC KEY-----
"""
_OTHER_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFRqssvilMG1qVQs95EPEeFrByu3P
AF+0KAr5d2Y4tNYdjfhHIlTaSQr6+DvHunQhsHLRcvGtYMl1X+KiiNVpNA==
-----END PUBLIC KEY-----
"""
_P384_KEY = """-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEtkmp/fUonTFoWKc626rZ6yA9XDZMnjvB
jCn5H25MsAmyWuJZVxSYE6ooBN7M/C/Un7Wr10KT7IMasT4E1F+7EEo4xo1d1cGQ
0Tvv5kfp0cXdWfvvkEEoBi3toQT4xvng
-----END PUBLIC KEY-----
"""
_SHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
_SIGNATURES = [
    "MEYCIQD9a0ld8Onv3CPl26gFWzn+6A/ixF9gIJaM8K0HSMuEuAIhAP+HRoijHo6VIKJtC5UKVgo3PjTJtAHeu66p1pZSdeJ3",
    "MEUCICKeEo9T3Uyn8G8SrvL7Ma6aDZlhlTgiLQRBn6pQfZJQAiEAl3O4X6hQgzCEnf64dHbmZ2cgsAXRh1KfCSEv8AvXQ2U=",
    "MEUCIQDdn2FpHWqnIFb1TTQnP3eQtfAjUxSKFgok5J2+VENEggIgKYVers9gBjHtKvjYGs2AsU3d5CoU6ni5Qmq40pG2f0w=",
    "MEMCH2fslyBopbHbglje6uqaOnLGtfaUu4Vq+gjtL1dxuDICIFA+5AR35h1lDRieyruK5JAJaT9KhcSXsQNJjbogcRfQ",
]

_KEY_ERROR = "the public key is not one of P-256 in PEM"
_FORM_ERROR = "it is not an ECDSA signature of P-256 in base64"
_ERROR = "another key made it, or for another file"

def _signature_test_impl(ctx):
    env = unittest.begin(ctx)
    for signature in _SIGNATURES:
        asserts.equals(env, None, verify_p256(_KEY, _SHA256, signature), signature)
        asserts.equals(env, _ERROR, verify_p256(_OTHER_KEY, _SHA256, signature), "another key")
        asserts.equals(env, _ERROR, verify_p256(_KEY, "3" + _SHA256[1:], signature), "another file")
    for key in ["", "x", _P384_KEY, _KEY.replace("tL9X", "tL9Y"), _KEY.replace("tL9X", "tL9*"), _KEY.replace("==", "")]:
        asserts.equals(env, _KEY_ERROR, verify_p256(key, _SHA256, _SIGNATURES[0]), key)
    for signature in [
        "",
        "AAAA",
        "****",
        _SIGNATURES[0][:-4],
        _SIGNATURES[0] + "AAAA",
        # Two zeros, and the order of the curve twice.
        "MAYCAQACAQA=",
        "MEYCIQD/////AAAAAP//////////vOb6racXnoTzucrC/GMlUQIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8YyVR",
    ]:
        asserts.equals(env, _FORM_ERROR, verify_p256(_KEY, _SHA256, signature), signature)
    return unittest.end(env)

_signature_test = unittest.make(_signature_test_impl)

def _file(**changes):
    return {"urls": ["https://r.example/f"], "sha256": _SHA256, "signature": _SIGNATURES[0]} | changes

def _lock(file = None, platform = "linux/amd64", **changes):
    programs = {program: {platform: file or _file()} for program in PROGRAMS}
    return json.encode({"format": 1, "version": VERSION, "programs": programs} | changes)

def _lock_test_impl(ctx):
    env = unittest.begin(ctx)
    for key in ["", _KEY]:
        lock = parse_tools_lock(_lock(), key)
        asserts.equals(env, None, lock.error)
        asserts.equals(env, {"linux/amd64": _file()}, lock.programs["gadget-push"])
    cases = {
        "not a JSON object": ["", "[]", "{", "[1]"],
        "format 2, these rules read format 1": [_lock(format = 2)],
        "tools of version 9.9.9, and these rules have version " + VERSION: [_lock(version = "9.9.9")],
        "'programs' is not an object": [_lock(programs = 1)],
        "program \"gadget-push\" is missing": [_lock(programs = {}), _lock(programs = {"gadget-push": {}})],
        "program \"gadget-push\": \"plan9/amd64\" is not a platform, use linux/amd64 or linux/arm64": [_lock(platform = "plan9/amd64")],
        "program \"gadget-push\" for linux/amd64: not an object": [_lock(file = "x")],
        "program \"gadget-push\" for linux/amd64: 'urls' is not a list of URLs": [
            _lock(file = _file(urls = urls))
            for urls in [None, "https://r.example/f", [], ["f"], [1]]
        ],
        "program \"gadget-push\" for linux/amd64: 'sha256' is not 64 lowercase hexadecimal digits": [
            _lock(file = _file(sha256 = sha256))
            for sha256 in [None, 1, "", _SHA256[1:], _SHA256.upper()]
        ],
    }
    for want, texts in cases.items():
        for text in texts:
            asserts.equals(env, want, parse_tools_lock(text).error, text)
    edited = _file(sha256 = "3" + _SHA256[1:])
    asserts.equals(env, None, parse_tools_lock(_lock(file = edited)).error)
    for file, key, error in [
        (edited, _KEY, _ERROR),
        (_file(), _OTHER_KEY, _ERROR),
        (_file(signature = "x"), _KEY, _FORM_ERROR),
        (_file(signature = 1), _KEY, _FORM_ERROR),
        ({"urls": ["https://r.example/f"], "sha256": _SHA256}, _KEY, _FORM_ERROR),
        (_file(), "x", _KEY_ERROR),
    ]:
        want = "program \"gadget-push\" for linux/amd64: 'signature' does not verify: " + error
        asserts.equals(env, want, parse_tools_lock(_lock(file = file), key).error)
    return unittest.end(env)

_lock_test = unittest.make(_lock_test_impl)

def _version_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, ctx.attr.version, VERSION, "the version of MODULE.bazel is in toolchain/private/version.bzl as well")
    return unittest.end(env)

_version_test = unittest.make(_version_test_impl, attrs = {"version": attr.string(doc = "That of MODULE.bazel.")})

def tools_lock_test_suite(name):
    """Declares the tests of tools_lock.bzl, ecdsa.bzl and version.bzl.

    Args:
      name: name of the suite.
    """
    version_test = name + "_version"
    _version_test(name = version_test, version = native.module_version())
    unittest.suite(name + "_units", _lock_test, _signature_test)
    native.test_suite(name = name, tests = [name + "_units", version_test])
