package debian

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	sumA = strings.Repeat("a", 64)
	sumB = strings.Repeat("b", 64)
)

func TestParseRelease(t *testing.T) {
	text := "Suite: stable\nMD5Sum:\n 0123 5 main/ignored\nSHA256:\n " + sumA + "  12 main/binary-amd64/Packages.xz\n" +
		" " + sumB + " 7 main/binary-arm64/Packages.xz\nSHA512:\n cccc 9 main/ignored\n"
	want := map[string]Sum{
		"main/binary-amd64/Packages.xz": {SHA256: sumA, Size: 12},
		"main/binary-arm64/Packages.xz": {SHA256: sumB, Size: 7},
	}
	got, err := ParseRelease([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sums (-want +got):\n%s", diff)
	}
}

func TestParseReleaseErrors(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"no section":    {"Suite: stable\nMD5Sum:\n 0123 5 x\n", "no SHA256 section"},
		"short sum":     {"SHA256:\n abc 5 x\n", "is not"},
		"missing field": {"SHA256:\n " + sumA + " 5\n", "is not"},
		"no size":       {"SHA256:\n " + sumA + " five x\n", "has no size"},
		"negative size": {"SHA256:\n " + sumA + " -5 x\n", "has no size"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseRelease([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func FuzzParseRelease(f *testing.F) {
	f.Add([]byte("SHA256:\n " + sumA + " 12 main/binary-amd64/Packages.xz\n"))
	f.Add([]byte("SHA256:\n\n 1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		sums, err := ParseRelease(data)
		if err == nil && len(sums) == 0 {
			t.Error("no sums and no error")
		}
	})
}
