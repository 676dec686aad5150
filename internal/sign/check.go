package sign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"
)

// Request is an artifact that is to run, and what decides about it.
type Request struct {
	Policy *Policy
	// Name is the repository ("ghcr.io/acme/trace_open"); empty for a path.
	Name string
	// Here means that the content comes from a registry of this machine, regardless of
	// the name.
	Here   bool
	Digest digest.Digest
	// State is the directory that remembers; empty remembers nothing.
	State string
	// Stored has the signatures that came here with the artifact; nil when there
	// are none. It is looked at before any request is made.
	Stored Place
	// Place returns where the signatures are stored. Nil means that no registry may be
	// asked, so that only what is remembered counts.
	Place func() (Place, error)
	// Now is the time for keys that expire; zero is the clock's.
	Now time.Time
	// Require demands a signature that counts now, even where the policy would
	// not, and even where one is remembered.
	Require bool
}

// Verdict explains why an artifact may run.
type Verdict struct {
	// Signers made the signatures that count; none where the policy requires none.
	Signers []Signer
	// Warning is what a person should hear; empty when all is well.
	Warning string
	// Remembered means that no registry was contacted.
	Remembered bool
}

// RefusedError means that a policy does not let an artifact run.
type RefusedError struct {
	Name   string
	Digest digest.Digest
	Reason string
	// Policy is where the policy comes from.
	Policy string
	// Err is what went wrong on the way, if anything.
	Err error
}

// Error implements error.
func (e *RefusedError) Error() string {
	what := e.Name
	if what == "" {
		what = "the artifact"
	}
	return fmt.Sprintf("%s (%s) is refused by %s: %s", what, e.Digest, e.Policy, e.Reason)
}

// Unwrap returns what went wrong on the way.
func (e *RefusedError) Unwrap() error { return e.Err }

// Check decides whether an artifact may run. The error is a *RefusedError when
// the policy says no; any other error means no as well.
func Check(ctx context.Context, q Request) (Verdict, error) {
	if q.Now.IsZero() {
		q.Now = time.Now()
	}
	record, err := q.record()
	if err != nil {
		return Verdict{}, err
	}
	if !q.Require && (q.Name == "" || record.Local) {
		switch q.Policy.Local {
		case Allow:
			return Verdict{}, nil
		case Warn:
			return Verdict{Warning: fmt.Sprintf("%s comes from this machine and was not verified", q.what())}, nil
		}
	}
	rule := q.Policy.RuleFor(q.Name, q.Here || record.Here)
	if q.Require || q.Name == "" {
		rule.Unsigned = Refuse
	}
	if !rule.Trusts() {
		if q.Name == "" {
			return Verdict{}, q.refuse("it is a local file, and the policy's default names no key for it", nil)
		}
		return q.unsigned(rule, "it is from a repository for which no key is known")
	}
	return q.signed(ctx, rule, record)
}

func (q Request) what() string {
	if q.Name == "" {
		return q.Digest.String()
	}
	return q.Name + "@" + q.Digest.String()
}

func (q Request) record() (Record, error) {
	if q.State == "" {
		return Record{}, q.Digest.Validate()
	}
	return ReadRecord(q.State, q.Digest)
}

// unsigned decides about an artifact that no signature covers.
func (q Request) unsigned(rule Rule, reason string) (Verdict, error) {
	switch rule.Unsigned {
	case Allow:
		return Verdict{}, nil
	case Warn:
		return Verdict{Warning: fmt.Sprintf("%s was not verified: %s", q.what(), reason)}, nil
	}
	return Verdict{}, q.refuse(reason, nil)
}

func (q Request) refuse(reason string, err error) error {
	return &RefusedError{Name: q.Name, Digest: q.Digest, Reason: reason, Policy: q.Policy.Source, Err: err}
}

// signed looks for a signature by whom the rule trusts: among those remembered,
// which are verified each time, among those that came with the artifact, then
// where it is from. What was remembered under another policy only counts when
// no registry can be asked.
func (q Request) signed(ctx context.Context, rule Rule, record Record) (Verdict, error) {
	against := rule.Verification(q.Now)
	if rule.SameRepository {
		against.Repository = q.Name
	}
	hash := q.Policy.Hash()
	kept, _ := Signers(record.Signatures, q.Digest, against)
	if len(kept) > 0 && record.Policy == hash && !q.Require {
		return Verdict{Signers: kept, Remembered: true}, nil
	}
	stored, storedErr := q.stored(ctx)
	if signers, _ := Signers(stored, q.Digest, against); len(signers) > 0 {
		record.Policy, record.Signers, record.Signatures = hash, signers, stored
		return Verdict{Signers: signers, Warning: q.remember(record), Remembered: true}, nil
	}
	if q.Place == nil {
		if len(kept) > 0 {
			return Verdict{Signers: kept, Remembered: true}, nil
		}
		reason := "no signature of it is on this machine"
		if len(stored) > 0 || storedErr != nil {
			reason = "no signature of it that is on this machine is accepted"
		}
		if q.Name == "" {
			return Verdict{}, q.refuse("no signature that came with it is accepted", storedErr)
		}
		return Verdict{}, q.refuse(reason+", and the registry must not be contacted", storedErr)
	}
	place, err := q.Place()
	if err != nil {
		return Verdict{}, err
	}
	found, findErr := Find(ctx, place, q.Digest)
	signers, verifyErr := Signers(found, q.Digest, against)
	switch {
	case len(signers) > 0:
		record.Policy, record.Signers, record.Signatures = hash, signers, found
		return Verdict{Signers: signers, Warning: q.remember(record)}, nil
	case findErr != nil && len(kept) > 0 && ctx.Err() == nil && !q.Require:
		return Verdict{Signers: kept, Remembered: true}, nil
	case findErr != nil:
		return Verdict{}, findErr
	case len(found) == 0:
		return q.unsigned(rule, "it is not signed")
	}
	return Verdict{}, q.refuse(fmt.Sprintf("no signature of it is accepted: %v", verifyErr), verifyErr)
}

// stored returns the signatures that came with the artifact. One that counts
// does so regardless of its source, so only Require skips them.
func (q Request) stored(ctx context.Context) ([]Signature, error) {
	if q.Stored == nil || q.Require {
		return nil, nil
	}
	return Find(ctx, q.Stored, q.Digest)
}

// remember writes the record. What cannot be remembered is fetched again, so
// that it is worth a warning only.
func (q Request) remember(r Record) string {
	if q.State == "" {
		return ""
	}
	if err := writeRecord(q.State, q.Digest, r); err != nil {
		return err.Error()
	}
	return ""
}

// IsRefused reports whether err is a policy's no.
func IsRefused(err error) bool {
	var refused *RefusedError
	return errors.As(err, &refused)
}
