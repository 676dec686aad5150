package engine

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/wildcard"
)

func TestListedTargets(t *testing.T) {
	find := func(pattern string) ([]string, error) {
		var found []string
		for _, name := range []string{"vfs_open", "vfs_read", "vfs_write"} {
			if wildcard.Match(pattern, name) {
				found = append(found, name)
			}
		}
		if found == nil {
			return nil, errors.New("no function matches")
		}
		return found, nil
	}
	for _, c := range []struct {
		target, want, err string
		cookies           []uint64
	}{
		{"vfs_read", "vfs_read", "", nil},
		{"vfs_*", "vfs_open vfs_read vfs_write", "", nil},
		{"vfs_write,vfs_read", "vfs_write vfs_read", "", nil},
		{"vfs_write=7,vfs_read", "vfs_write vfs_read", "", []uint64{7, 0}},
		{"vfs_read=0x10,vfs_*=2", "vfs_read vfs_open vfs_write", "", []uint64{16, 2, 2}},
		{"vfs_read=18446744073709551615", "vfs_read", "", []uint64{1<<64 - 1}},
		{"vfs_read=-1", "", `the cookie "-1" of "vfs_read" is not a number`, nil},
		{"vfs_read=", "", `the cookie "" of "vfs_read" is not a number`, nil},
		{"vfs_read,", "", "no function matches", nil},
		{"vfs_read,none=1", "", "no function matches", nil},
	} {
		names, cookies, err := listedTargets(c.target, find)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: got %v, want %s", c.target, err, c.err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.target, err)
		default:
			if diff := cmp.Diff(c.want, strings.Join(names, " ")); diff != "" {
				t.Errorf("%s: names (-want +got):\n%s", c.target, diff)
			}
			if diff := cmp.Diff(c.cookies, cookies); diff != "" {
				t.Errorf("%s: cookies (-want +got):\n%s", c.target, diff)
			}
		}
	}
}

// meets is a link that is closed only while another one is.
type meets struct {
	own, other chan struct{}
	err        error
}

// Close returns the error of the link, or that the other one was not closed meanwhile.
func (m meets) Close() error {
	close(m.own)
	select {
	case <-m.other:
		return m.err
	case <-time.After(10 * time.Second):
		return errors.New("the other link is not closed at the same time")
	}
}

func TestLinksClosedTogether(t *testing.T) {
	a, b := make(chan struct{}), make(chan struct{})
	first, second := errors.New("first"), errors.New("second")
	err := links{meets{a, b, first}, meets{b, a, second}}.Close()
	if want := errors.Join(first, second); err == nil || err.Error() != want.Error() {
		t.Errorf("got %v, want %v", err, want)
	}
}
