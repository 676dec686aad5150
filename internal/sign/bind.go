package sign

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
)

// The values of "repository" of a rule.
const (
	anyRepository   = "any"
	matchRepository = "match"
)

// OtherRepositoryError means that a good signature does not name the repository
// that it must name.
type OtherRepositoryError struct{ Want string }

// Error implements error.
func (e *OtherRepositoryError) Error() string {
	return fmt.Sprintf("the signature does not name the repository %s, which the policy's \"repository: match\" asks "+
		"for, sign it there", e.Want)
}

// checkRepository checks that a verified signature names the repository.
func (s Signature) checkRepository(subject digest.Digest, want string) error {
	if want == "" || slices.Contains(s.repositories(subject), want) {
		return nil
	}
	return &OtherRepositoryError{want}
}

// repositories are those that the signature names for subject.
func (s Signature) repositories(subject digest.Digest) []string {
	if s.Form == FormTag {
		var p payload
		if json.Unmarshal(s.Data, &p) != nil {
			return nil
		}
		return []string{repositoryOf(p.Critical.Identity.Reference)}
	}
	b, err := parseBundle(s.Data)
	var st statement
	if err != nil || b.Envelope == nil || json.Unmarshal(b.Envelope.Payload, &st) != nil {
		return nil
	}
	var all []string
	for _, sub := range st.Subject {
		if sub.Digest[subject.Algorithm().String()] == subject.Encoded() {
			all = append(all, repositoryOf(sub.Name))
		}
	}
	return all
}

// repositoryOf is the repository of a reference, with docker.io by its usual
// name.
func repositoryOf(reference string) string {
	name, _, _ := strings.Cut(reference, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	if rest, ok := strings.CutPrefix(name, "index.docker.io/"); ok {
		name = "docker.io/" + rest
	}
	return name
}
