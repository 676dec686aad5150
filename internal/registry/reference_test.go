package registry_test

import (
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/registry"
)

const someDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestParseReference(t *testing.T) {
	ours := registry.Defaults{Registry: "ghcr.io", Prefix: "org/gadget"}
	for _, tc := range []struct {
		in, want string
		defaults registry.Defaults
	}{
		{in: "trace_open", want: "docker.io/library/trace_open:latest"},
		{in: "trace_open:v1", want: "docker.io/library/trace_open:v1"},
		{in: "me/trace_open", want: "docker.io/me/trace_open:latest"},
		{in: "index.docker.io/me/x", want: "docker.io/me/x:latest"},
		{in: "docker.io/x", want: "docker.io/library/x:latest"},
		{in: "localhost/x", want: "localhost/x:latest"},
		{in: "localhost:5000/a/b/c:v1", want: "localhost:5000/a/b/c:v1"},
		{in: "127.0.0.1:5000/x", want: "127.0.0.1:5000/x:latest"},
		{in: "[::1]:5000/x", want: "[::1]:5000/x:latest"},
		{in: "ghcr.io/x@" + someDigest, want: "ghcr.io/x@" + someDigest},
		{in: "ghcr.io/x:v1@" + someDigest, want: "ghcr.io/x:v1@" + someDigest},
		{in: "trace_open", want: "ghcr.io/org/gadget/trace_open:latest", defaults: ours},
		{in: "other/trace_open", want: "ghcr.io/other/trace_open:latest", defaults: ours},
		{in: "quay.io/trace_open", want: "quay.io/trace_open:latest", defaults: ours},
	} {
		got, err := registry.ParseReference(tc.in, tc.defaults)
		if err != nil || got.String() != tc.want {
			t.Errorf("ParseReference(%q) = %q, %v; want %q", tc.in, got, err, tc.want)
		}
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "the name is empty",
		"a:":                            "the tag is empty",
		"a:b c":                         "is not a tag",
		"a:-x":                          "is not a tag",
		"a:" + strings.Repeat("x", 129): "is not a tag",
		"a@sha256:12":                   "is not a digest",
		"a@":                            "is not a digest",
		"UPPER":                         "has upper case letters, did you mean \"upper\"?",
		"HOST:5000/Up/Per:V1":           "has upper case letters, did you mean \"HOST:5000/up/per:V1\"?",
		"Foo/Bar:V1":                    "has upper case letters, did you mean \"foo/bar:V1\"?",
		"ghcr.io/":                      "write ghcr.io/NAME",
		"r.example:5000/Acme/X:v1":      `did you mean "r.example:5000/acme/x:v1"?`,
		"ghcr.io//x":                    "is not a repository name",
		"ghcr.io/../x":                  "is not a repository name",
		"-bad.io/x":                     "is not a registry",
		"localhost:5000":                "is a registry without a repository, write localhost:5000/NAME",
		"localhost:5000/":               "is a registry without a repository, write localhost:5000/NAME",
		"192.0.2.7:5000":                "is a registry without a repository, write 192.0.2.7:5000/NAME",
		"a/" + strings.Repeat("x", 300): "longer than",
		strings.Repeat("x", 2000):       "too long",
		"http://ghcr.io/x":              "",
	} {
		if got, err := registry.ParseReference(in, registry.Defaults{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseReference(%.40q) = %v, %v; want an error with %q", in, got, err, want)
		}
	}
	for _, in := range []string{"a:v1", "a@" + someDigest, "", "A"} {
		if got, err := registry.ParseRepository(in, registry.Defaults{}); err == nil {
			t.Errorf("ParseRepository(%q) = %v, want an error", in, got)
		}
	}
}

// FuzzParseReference checks that what is accepted reads back as itself.
func FuzzParseReference(f *testing.F) {
	for _, s := range []string{
		"a", "localhost:5000/a/b:v1", "ghcr.io/x@" + someDigest, "[::1]:5/x", "a:b@c",
		"docker.io/a", "A.b/c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := registry.ParseReference(s, registry.Defaults{})
		if err != nil {
			return
		}
		again, err := registry.ParseReference(r.String(), registry.Defaults{})
		if err != nil || again != r {
			t.Errorf("%q parses as %q, which parses as %q, %v", s, r, again, err)
		}
	})
}
