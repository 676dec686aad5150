package guard_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/guard"
)

func parse(data []byte, at int) (b byte, err error) {
	defer guard.Panics(&err)
	if at < 0 {
		return 0, errors.New("negative")
	}
	return data[at], nil
}

func TestPanics(t *testing.T) {
	if b, err := parse([]byte{7}, 0); b != 7 || err != nil {
		t.Errorf("without a panic: %d, %v", b, err)
	}
	if _, err := parse(nil, -1); err == nil || err.Error() != "negative" {
		t.Errorf("an error becomes %v", err)
	}
	_, err := parse(nil, 1)
	var p *guard.PanicError
	if !errors.As(err, &p) || !bytes.Contains(p.Stack, []byte("parse(")) {
		t.Fatalf("a panic becomes %v", err)
	}
	const want = "reading damaged data stopped with: runtime error: index out of range [1] with length 0"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}
