"""Analysis tests of gadget_push and gadget_push_all."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load(":image_test.bzl", "failure_test")

def _request_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    requests = [a for a in analysistest.target_actions(env) if a.mnemonic == "FileWrite"]
    asserts.equals(env, 1, len(requests))
    request = json.decode(requests[0].content)
    directory = target.label.package.split("/")[-1]
    asserts.equals(env, directory, request["name"])
    asserts.equals(env, ctx.attr.repositories, request["repositories"])
    asserts.equals(env, ctx.attr.expected_tags, request["tags"])
    asserts.true(env, request["layout"].endswith("/rules/tests/%s/image.oci" % directory), request["layout"])
    asserts.equals(env, ctx.attr.stamped, "status_file" in request)
    environment = target[RunEnvironmentInfo].environment
    asserts.true(env, environment["GADGET_PUSH_REQUEST"].endswith(".push.json"))
    runfiles = [f.basename for f in target[DefaultInfo].default_runfiles.files.to_list()]
    for name in ["image.oci", environment["GADGET_PUSH_REQUEST"].split("/")[-1]]:
        asserts.true(env, name in runfiles, "%s is not in the runfiles" % name)
    return analysistest.end(env)

request_test = analysistest.make(
    _request_test_impl,
    attrs = {
        "expected_tags": attr.string_list(doc = "Tags in the request."),
        "repositories": attr.string_list(doc = "Repositories in the request."),
        "stamped": attr.bool(doc = "Whether the request names the workspace status."),
    },
)

def _requests_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    lists = [a for a in analysistest.target_actions(env) if a.mnemonic == "FileWrite"]
    asserts.equals(env, 1, len(lists))
    requests = [path.split("/")[-1] for path in json.decode(lists[0].content)]
    asserts.equals(env, ["stamped_push.push.json", "push.push.json"], requests)
    environment = target[RunEnvironmentInfo].environment
    asserts.equals(env, ["GADGET_PUSH_REQUESTS"], environment.keys())
    runfiles = [f.basename for f in target[DefaultInfo].default_runfiles.files.to_list()]
    for file in requests + ["image.oci", "image.provenance.json", "stable-status.txt", environment["GADGET_PUSH_REQUESTS"].split("/")[-1]]:
        asserts.true(env, file in runfiles, "%s is not in the runfiles" % file)
    return analysistest.end(env)

requests_test = analysistest.make(_requests_test_impl)

def push_test_suite(name):
    """Declares the analysis tests of gadget_push and gadget_push_all.

    Args:
      name: name of the test_suite.
    """
    request_test(
        name = "push_request",
        target_under_test = "//rules/tests/minimal:push",
        repositories = ["registry.example/gadgets/minimal", "other.example/minimal"],
        expected_tags = ["v1"],
    )
    request_test(
        name = "stamped_push_request",
        target_under_test = "//rules/tests/minimal:stamped_push",
        expected_tags = ["{STABLE_GIT_COMMIT}"],
        stamped = True,
    )
    failure_test(
        name = "empty_tag",
        target_under_test = "//rules/tests/minimal:empty_tag_push",
        messages = ["attribute 'remote_tags': entry 0 is empty"],
    )
    requests_test(
        name = "push_all_requests",
        target_under_test = "//rules/tests/minimal:push_all",
    )
    failure_test(
        name = "push_all_of_image",
        target_under_test = "//rules/tests/minimal:push_all_of_image",
        messages = ["GadgetPushInfo"],
    )
    failure_test(
        name = "push_of_shards",
        target_under_test = "//rules/tests/minimal:push_of_shards",
        messages = ["GadgetImageInfo"],
    )
    native.test_suite(name = name, tests = [
        ":empty_tag",
        ":push_all_of_image",
        ":push_all_requests",
        ":push_of_shards",
        ":push_request",
        ":stamped_push_request",
    ])
