package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/registry/registrytest"
	"github.com/rules-gadget/rules_gadget/internal/store"
)

// The environment of a process that works on a store until it is killed.
const (
	workerStore = "STORE_TEST_WORKER"
	workerID    = "STORE_TEST_ID"
	killsEnv    = "STORE_TEST_KILLS" // how many to make, for a longer run
)

const (
	defaultKills = 60
	workers      = 4
	maxLife      = 40 * time.Millisecond
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(workerStore); dir != "" {
		work(dir, os.Getenv(workerID))
		return
	}
	os.Exit(m.Run())
}

// work changes the store until the end. It prints "+name" after a name was
// stored and "-name" before one is removed.
func work(dir, id string) {
	s, err := store.Open(dir)
	if err != nil {
		fmt.Println("!", err)
		return
	}
	ctx := context.Background()
	fail := func(err error) {
		if err != nil && !errors.Is(err, store.ErrBusy) {
			fmt.Println("!", err)
		}
	}
	for i := 0; ; i++ {
		a := registrytest.NewArtifact(&testing.B{}, rand.Uint64N(6), 50_000)
		name := fmt.Sprintf("example.com/%s:%d", id, i)
		fail(pullWithReferrers(ctx, s, a, name))
		fmt.Println("+" + name)
		_, err := s.Tag(ctx, name, name+"-tagged")
		fail(err)
		fmt.Println("+" + name + "-tagged")
		fmt.Println("-" + name)
		fail(s.Untag(ctx, name))
		_, err = s.GC(ctx, store.GCOptions{Yield: i%2 == 0})
		fail(err)
	}
}

// pullWithReferrers stores an artifact and a document about it, as a pull does.
func pullWithReferrers(ctx context.Context, s *store.Store, a *registrytest.Artifact, name string) error {
	release, err := s.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	blobs, r := about(&testing.B{}, a.Root, name)
	err = s.PutReferrers(ctx, blobs, a.Root.Digest, []store.Referrer{r})
	return errors.Join(err, s.Put(ctx, a, a.Root, name, []arch.Arch{arch.AMD64}))
}

func TestKillAnytime(t *testing.T) {
	s := open(t)
	keep := registrytest.NewArtifact(t, 99, 1000)
	put(t, s, keep, "example.com/keep:v1")
	putAbout(t, s, keep.Root, "kept")
	kills := defaultKills
	if n, err := strconv.Atoi(os.Getenv(killsEnv)); err == nil {
		kills = n
	}
	names := &ledger{present: map[string]bool{"example.com/keep:v1": true}}
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for k := w; k < kills; k += workers {
				kill(t, s.Dir(), fmt.Sprintf("w%d", k), names)
			}
		})
	}
	group.Wait()
	checkClean(t, s)
	if _, err := s.GC(context.Background(), store.GCOptions{}); err != nil {
		t.Fatal(err)
	}
	checkClean(t, s)
	for name := range names.present {
		d, err := s.Resolve(name)
		if err != nil {
			t.Errorf("lost: %v", err)
			continue
		}
		if about, err := s.Referrers(d.Digest); err != nil || len(about) == 0 {
			t.Errorf("%s: what refers to it is lost: %v", name, err)
		}
	}
	t.Logf("%d kills, %d names in the end", kills, len(names.present))
}

// kill starts a worker and kills it at a random moment.
func kill(t *testing.T, dir, id string, names *ledger) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), workerStore+"="+dir, workerID+"="+id)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Error(err)
		return
	}
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	time.AfterFunc(20*time.Millisecond+rand.N(maxLife), func() { _ = cmd.Process.Kill() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		names.note(t, lines.Text())
	}
	_ = cmd.Wait()
}

// ledger is what the workers said is there.
type ledger struct {
	mu      sync.Mutex
	present map[string]bool
}

func (l *ledger) note(t *testing.T, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch name := strings.TrimSpace(line[1:]); line[0] {
	case '+':
		l.present[name] = true
	case '-':
		delete(l.present, name)
	default:
		t.Errorf("worker: %s", name)
	}
}
