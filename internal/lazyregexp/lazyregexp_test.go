package lazyregexp_test

import (
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/lazyregexp"
)

func TestRegexp(t *testing.T) {
	re := lazyregexp.New(`^a(b+)$`)
	for range 2 {
		if !re.MatchString("abb") || re.MatchString("a") {
			t.Error("MatchString does not match as regexp does")
		}
		if m := re.FindStringSubmatch("abb"); len(m) != 2 || m[1] != "bb" {
			t.Errorf("FindStringSubmatch = %q, want the match and its group", m)
		}
	}
	broken := lazyregexp.New(`(`) // never compiled, so that its error is never seen
	defer func() {
		if recover() == nil {
			t.Error("a broken expression was used")
		}
	}()
	broken.MatchString("")
}
