package runner_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// killsEnv sets how many commands to kill, for a longer run.
const killsEnv = "RUNNER_TEST_KILLS"

const (
	defaultKills = 60
	maxStarted   = 5 // commands for each that is killed before its end
	firstSpan    = 50 * time.Millisecond
	blockedAfter = time.Minute
)

// workers work with one state directory at once.
var workers = []string{"w0", "w1", "w2", "w3"}

// TestKillAnytime changes one state directory in several processes at once,
// which are killed at random moments. In the end it is clean, each name refers
// to what the last command reported, complete, and the next commands just work.
func TestKillAnytime(t *testing.T) {
	s := newKillRun(t)
	keep := s.gadgets[0].repository + ":keep"
	s.succeed(t, "pull", keep)
	names := s.work(t)
	names[keep] = []string{s.gadgets[0].digest}
	t.Log(s)
	if s.killed < s.kills && !t.Failed() {
		t.Fatalf("only %d of %d commands were killed before their end", s.killed, s.started)
	}
	if s.resumed.Load() == 0 {
		t.Error("no transfer was resumed")
	}
	s.check(t, names)
	for _, g := range s.gadgets {
		name := g.repository + ":after"
		s.succeed(t, "pull", name)
		names[name] = []string{g.digest}
	}
	s.succeed(t, "rm", keep)
	names[keep] = []string{gone}
	s.succeed(t, "prune")
	s.check(t, names)
}

// killRun is a state directory, and commands that are killed.
type killRun struct {
	*stallingRegistry
	kills int

	mu              sync.Mutex
	started, killed int
	verbs           map[string]*tally
}

// tally is what became of the commands of one verb.
type tally struct {
	started, killed int
	span            time.Duration // within which they are killed
}

func newKillRun(t *testing.T) *killRun {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("GADGET_RUN_REGISTRIES", os.DevNull)
	t.Setenv("GADGET_RUN_STATE", filepath.Join(home, "state"))
	s := &killRun{kills: defaultKills, verbs: map[string]*tally{}}
	s.stallingRegistry = newStallingRegistry(t, append(workers, "keep", "after")...)
	if n, err := strconv.Atoi(os.Getenv(killsEnv)); err == nil {
		s.kills = n
	}
	return s
}

// work lets the workers work until enough is killed. It returns their names, and
// to which digests each may refer.
func (s *killRun) work(t *testing.T) map[string][]string {
	names := map[string][]string{}
	var group sync.WaitGroup
	for _, id := range workers {
		group.Go(func() {
			w := &worker{s, id, map[string][]string{}}
			w.work(t)
			s.mu.Lock()
			defer s.mu.Unlock()
			maps.Copy(names, w.names)
		})
	}
	group.Wait()
	return names
}

// goesOn reports whether there is more to kill. On a busy machine a command spends
// most of its lifetime before its first transfer, which some have to be killed in.
func (s *killRun) goesOn(t *testing.T) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	enough := s.killed >= s.kills && s.resumed.Load() > 0
	return !enough && s.started < maxStarted*s.kills && !t.Failed()
}

// String reports how many commands were killed.
func (s *killRun) String() string {
	text := fmt.Sprintf("%d of %d commands were killed before their end (%d%%), %d of %d transfers were resumed",
		s.killed, s.started, 100*s.killed/max(s.started, 1), s.resumed.Load(), s.served.Load())
	for _, verb := range slices.Sorted(maps.Keys(s.verbs)) {
		v := s.verbs[verb]
		text += fmt.Sprintf("\n%s: %d of %d, lately within %s", verb, v.killed, v.started, v.span.Round(time.Millisecond))
	}
	return text
}

// lifetime chooses how long a command may live.
func (s *killRun) lifetime(verb string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.verbs[verb]
	if v == nil {
		v = &tally{span: firstSpan}
		s.verbs[verb] = v
	}
	s.started++
	v.started++
	return v.span/3 + rand.N(v.span)
}

// ended notes how a command ended. The span follows, so that about every second
// is killed, whatever else the machine has to do.
func (s *killRun) ended(verb string, killed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.verbs[verb]
	if !killed {
		v.span -= v.span / 10
		return
	}
	s.killed++
	v.killed++
	v.span += v.span / 10
}

// try runs a command that is killed at a random moment, unless it has ended. It
// reports whether the command printed what it had done.
func (s *killRun) try(t *testing.T, args ...string) bool {
	t.Helper()
	stdout, _, killed := image(t, s.lifetime(args[0]), args...)
	s.ended(args[0], killed)
	return !killed || stdout != ""
}

// succeed runs a command to its end and returns what it writes.
func (s *killRun) succeed(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, killed := image(t, blockedAfter, args...)
	if killed {
		t.Errorf("%q has not ended after %s: %s", args, blockedAfter, stderr)
	}
	return stdout, stderr
}

// image runs an image command, which is killed after its lifetime. If it ends
// before, it has to succeed.
func image(t *testing.T, lifetime time.Duration, args ...string) (stdout, stderr string, killed bool) {
	t.Helper()
	cmd := exec.Command("gadget-run", append([]string{"image"}, args...)...)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return "", "", false
	}
	defer time.AfterFunc(lifetime, func() { _ = cmd.Process.Kill() }).Stop()
	err := cmd.Wait()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	killed = status.Signaled() && status.Signal() == syscall.SIGKILL
	if err != nil && !killed {
		t.Errorf("%q: %v: %s%s", args, err, &out, &messages)
	}
	return out.String(), messages.String(), killed
}

// check checks that the store is clean, and that each name refers to what it
// may and all of that can be read.
func (s *killRun) check(t *testing.T, names map[string][]string) {
	t.Helper()
	if found, notes := s.succeed(t, "fsck"); found != "" || !strings.Contains(notes, "is clean") {
		t.Errorf("the store is not clean: %s%s", found, notes)
	}
	out, _ := s.succeed(t, "list", "-o", "json")
	var listed []struct{ Repository, Tag, Digest string }
	if err := json.Unmarshal([]byte(out), &listed); err != nil {
		t.Fatal(err)
	}
	here := map[string]string{}
	for _, l := range listed {
		here[l.Repository+":"+l.Tag] = l.Digest
	}
	for name, may := range names {
		if !slices.Contains(may, here[name]) {
			t.Errorf("%s refers to %q, want one of %q", name, here[name], may)
		}
	}
	for name, digest := range here {
		if names[name] == nil {
			t.Errorf("%s was not made", name)
		}
		dir := filepath.Join(t.TempDir(), "unpacked")
		s.succeed(t, "unpack", "-o", dir, name)
		if i := slices.IndexFunc(s.gadgets, func(g servedGadget) bool { return g.digest == digest }); i >= 0 {
			s.gadgets[i].unpacked(t, dir)
		}
	}
	t.Logf("%d of %d names are there", len(here), len(names))
}

// gone is the digest of a name that is not there.
const gone = ""

// worker runs one command after the other, on its own names.
type worker struct {
	*killRun
	id    string
	names map[string][]string // the digests to which each may refer
}

// work pulls gadgets, gives them other names, and removes the first ones.
func (w *worker) work(t *testing.T) {
	for i := 0; w.goesOn(t); i++ {
		g := w.gadgets[rand.N(len(w.gadgets))]
		pulled, tagged := g.repository+":"+w.id, fmt.Sprintf("example.com/%s:%d", w.id, i%2)
		w.retryImage(t, pulled, g.digest, "pull", pulled)
		if slices.Equal(w.names[pulled], []string{g.digest}) {
			w.name(t, tagged, g.digest, "tag", pulled, tagged)
		}
		w.retryImage(t, pulled, gone, "rm", "--force", pulled)
		w.try(t, []string{"prune", "fsck"}[i%2])
	}
}

// retryImage runs a command until it is done.
func (w *worker) retryImage(t *testing.T, name, digest string, args ...string) {
	for w.goesOn(t) && !w.name(t, name, digest, args...) {
	}
}

// name runs a command that makes a name refer to a digest, and reports whether
// that was done. If not, it may refer to its previous digest.
func (w *worker) name(t *testing.T, name, digest string, args ...string) bool {
	before := w.names[name]
	if before == nil {
		before = []string{gone}
	}
	done := w.try(t, args...)
	w.names[name] = []string{digest}
	if !done {
		w.names[name] = append(w.names[name], before...)
	}
	return done
}
