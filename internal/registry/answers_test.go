package registry

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// specified are the error codes of the distribution specification.
var specified = []transport.ErrorCode{
	"BLOB_UNKNOWN", "BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN", "DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN",
	"MANIFEST_INVALID",
	"MANIFEST_UNKNOWN", "NAME_INVALID", "NAME_UNKNOWN", "SIZE_INVALID", "UNAUTHORIZED", "DENIED", "UNSUPPORTED",
	"TOOMANYREQUESTS",
}

// TestEveryAnswer: each code of the specification is in the table, and each answer
// is in the row of the documents that says what is done.
func TestEveryAnswer(t *testing.T) {
	text, err := os.ReadFile("../../docs/images.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Responses of registries\n")
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		for _, word := range strings.FieldsFunc(cells[1], func(r rune) bool { return strings.ContainsRune(" ,;`", r) }) {
			if _, twice := documented[word]; !twice {
				documented[word] = strings.TrimSpace(cells[2])
			}
		}
	}
	expect := func(word string, then outcome) {
		if got, ok := documented[word]; !ok || !strings.HasPrefix(got, string(then)) {
			t.Errorf("docs/images.md says %q of %s, it is %q", got, word, then)
		}
	}
	var named []transport.ErrorCode
	for _, a := range answers {
		for _, s := range a.statuses {
			expect(strconv.Itoa(s), a.then)
		}
		for _, c := range a.codes {
			expect(string(c), a.then)
			named = append(named, c)
		}
	}
	for _, c := range specified {
		if !slices.Contains(named, c) {
			t.Errorf("no row has the code %s", c)
		}
	}
}

func TestAfter(t *testing.T) {
	for _, test := range []struct {
		status int
		code   transport.ErrorCode
		want   outcome
	}{
		{http.StatusNotFound, "NAME_UNKNOWN", final},
		{http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", restart},
		{http.StatusBadRequest, "DIGEST_INVALID", restart},
		{http.StatusInternalServerError, "DENIED", final},
		{http.StatusInternalServerError, "UNKNOWN", transient},
		{http.StatusTooManyRequests, "TOOMANYREQUESTS", transient},
		{http.StatusUnauthorized, "", challenge},
		{http.StatusTeapot, "", final},
	} {
		err := &transport.Error{StatusCode: test.status}
		if test.code != "" {
			err.Errors = []transport.Diagnostic{{Code: test.code}}
		}
		if got := after(err); got != test.want {
			t.Errorf("after %d with code %q: %q, want %q", test.status, test.code, got, test.want)
		}
	}
}
