package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/container/proc"
	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// lists is a runtime that lists something else each time; the last list stays.
type lists struct {
	source.Source
	all [][]source.Info
}

func (l *lists) List(context.Context) ([]source.Info, error) {
	list := l.all[0]
	if len(l.all) > 1 {
		l.all = l.all[1:]
	}
	return list, nil
}

// TestListDuringChurn distinguishes containers that come and go from a runtime whose
// processes are not seen here.
func TestListDuringChurn(t *testing.T) {
	root := t.TempDir()
	ns := filepath.Join(root, "proc", "7", "ns")
	if err := os.MkdirAll(ns, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, inode := range map[string]int{"mnt": 4026532270, "net": 4026531992} {
		if err := os.Symlink(fmt.Sprintf("%s:[%d]", name, inode), filepath.Join(ns, name)); err != nil {
			t.Fatal(err)
		}
	}
	gone, other, runs := source.Info{ID: "gone", PID: 5}, source.Info{ID: "other", PID: 6}, source.Info{ID: "runs", PID: 7}
	tests := []struct {
		name  string
		lists [][]source.Info
		found int
		err   error
	}{
		{"none", [][]source.Info{nil}, 0, nil},
		{"one that runs", [][]source.Info{{gone, runs}}, 1, nil},
		{"all ended meanwhile", [][]source.Info{{gone}, nil}, 0, nil},
		{"all ended, others came", [][]source.Info{{gone}, {runs}}, 1, nil},
		{"all ended, twice", [][]source.Info{{gone}, {other}}, 0, nil},
		{"other PIDs", [][]source.Info{{gone, other}}, 0, errOtherPIDs},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &Collection{files: proc.New(root)}
			got, err := c.list(t.Context(), Docker, &lists{all: test.lists})
			if !errors.Is(err, test.err) || len(got) != test.found {
				t.Errorf("got %d containers, %v, want %d, %v", len(got), err, test.found, test.err)
			}
		})
	}
}
