"""Tests of how apt sources are read."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//toolchain/private:mirror.bzl", "mirrors_of_deb822", "mirrors_of_list")

_DEB822 = """\
# a comment: here
Types: deb deb-src
URIs: http://m.example/debian/ https://n.example/debian mirror+file:/etc/apt/mirrors/debian.list
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://m.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: sid
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: sid
Components: main
"""

_LIST = """\
# deb http://comment.example/debian trixie main
deb [arch=amd64 signed-by=/k.gpg] https://m.example/debian/ trixie main contrib # and more
deb-src http://source.example/debian trixie main
deb http://other.example/apt bookworm-pgdg main
deb\thttp://tab.example/debian\tsid main
deb cdrom:[disk]/ bookworm main
deb http://short.example/debian sid
"""

def _deb822_test_impl(ctx):
    env = unittest.begin(ctx)
    want = ["http://m.example/debian", "https://n.example/debian", "mirror+file:/etc/apt/mirrors/debian.list"]
    asserts.equals(env, want, mirrors_of_deb822(_DEB822))
    asserts.equals(env, [], mirrors_of_deb822(""))
    asserts.equals(env, [], mirrors_of_deb822("Types: deb\nURIs: http://m.example/debian\n"))
    return unittest.end(env)

_deb822_test = unittest.make(_deb822_test_impl)

def _list_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, ["https://m.example/debian", "http://tab.example/debian"], mirrors_of_list(_LIST))
    asserts.equals(env, [], mirrors_of_list(""))
    asserts.equals(env, [], mirrors_of_list("deb [unclosed http://m.example/debian sid main"))
    return unittest.end(env)

_list_test = unittest.make(_list_test_impl)

def mirror_test_suite(name):
    """Declares the tests of mirror.bzl.

    Args:
      name: name of the suite.
    """
    unittest.suite(name, _deb822_test, _list_test)
