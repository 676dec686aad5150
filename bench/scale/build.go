package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// header is above the rows of builds.
const header = "| gadgets | build | wall, s | analysis, s | actions run | BpfCompile | BtfImport | BtfGen | CPU of " +
	"actions, s | Bazel's heap, MB |\n" +
	"|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|\n"

// builder runs Bazel in the workspace, with an output base of its own.
type builder struct {
	options
	workspace string
	sums      map[string]cost // by mnemonic, of all builds
}

// cost is what actions of a mnemonic took.
type cost struct {
	runs int
	cpu  time.Duration
}

func workspaceDir(dir string) string { return filepath.Join(dir, "workspace") }

func newBuilder(o options) *builder {
	return &builder{options: o, workspace: workspaceDir(o.dir), sums: map[string]cost{}}
}

// bazel runs a command of Bazel.
func (b *builder) bazel(ctx context.Context, command string, args ...string) error {
	all := append([]string{"--output_base=" + filepath.Join(b.dir, "base"), command}, args...)
	cmd := exec.CommandContext(ctx, filepath.Join(b.checkout, "bazelw"), all...)
	cmd.Dir = b.workspace
	cmd.WaitDelay = time.Minute
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("bazel %s: %w\n%s", command, err, errs.String())
	}
	fmt.Fprintf(b.log, "bazel %s %s\n", command, strings.Join(args, " "))
	return nil
}

// prepare forgets what was built, builds the tools and stops Bazel.
func (b *builder) prepare(ctx context.Context) error {
	for _, args := range [][]string{{"clean"}, {"build", "//tools:image"}, {"shutdown"}} {
		if err := b.bazel(ctx, args[0], args[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// built is what one build took.
type built struct {
	wall, analysis time.Duration
	actions        map[string]cost
	heap           int64 // bytes, after a collection
}

// build builds targets and reads what Bazel says about it.
func (b *builder) build(ctx context.Context, targets string) (built, error) {
	events := filepath.Join(b.dir, "events.json")
	start := time.Now()
	err := b.bazel(ctx, "build", targets, fmt.Sprintf("--jobs=%d", b.jobs), "--build_event_json_file="+events,
		"--memory_profile=/dev/null")
	if err != nil {
		return built{}, err
	}
	made := built{wall: time.Since(start)}
	if err := made.read(events); err != nil {
		return made, err
	}
	for mnemonic, c := range made.actions {
		sum := b.sums[mnemonic]
		b.sums[mnemonic] = cost{sum.runs + c.runs, sum.cpu + c.cpu}
	}
	return made, nil
}

// metrics are the figures of Bazel's build events.
type metrics struct {
	BuildMetrics struct {
		ActionSummary struct {
			ActionData []struct {
				Mnemonic             string
				ActionsExecuted      json.Number
				SystemTime, UserTime string
			}
		}
		MemoryMetrics struct {
			UsedHeapSizePostBuild json.Number
		}
		TimingMetrics struct {
			AnalysisPhaseTimeInMs json.Number
		}
	}
}

func (m *built) read(events string) error {
	file, err := os.Open(events)
	if err != nil {
		return err
	}
	defer file.Close()
	m.actions = map[string]cost{}
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !bytes.Contains(line, []byte(`"buildMetrics"`)) {
			continue
		}
		var e metrics
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("reading build events: %w", err)
		}
		m.add(e)
	}
}

func (m *built) add(e metrics) {
	metrics := e.BuildMetrics
	ms, _ := metrics.TimingMetrics.AnalysisPhaseTimeInMs.Int64()
	m.analysis = time.Duration(ms) * time.Millisecond
	m.heap, _ = metrics.MemoryMetrics.UsedHeapSizePostBuild.Int64()
	for _, a := range metrics.ActionSummary.ActionData {
		n, _ := a.ActionsExecuted.Int64()
		m.actions[a.Mnemonic] = cost{int(n), parseSeconds(a.UserTime) + parseSeconds(a.SystemTime)}
	}
}

// parseSeconds reads a duration as JSON of protocol buffers has it: "1.5s".
func parseSeconds(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return d
}

// ours reports whether an action is one of the rules.
func ours(mnemonic string) bool {
	return strings.HasPrefix(mnemonic, "Bpf") || strings.HasPrefix(mnemonic, "Btf") ||
		strings.HasPrefix(mnemonic, "Gadget")
}

func (m built) row(gadgets int, name string) string {
	var all cost
	for mnemonic, c := range m.actions {
		if ours(mnemonic) {
			all.runs += c.runs
			all.cpu += c.cpu
		}
	}
	return fmt.Sprintf("| %d | %s | %.1f | %.1f | %d | %d | %d | %d | %.1f | %d |\n", gadgets, name, m.wall.Seconds(),
		m.analysis.Seconds(), all.runs,
		m.actions["BpfCompile"].runs, m.actions["BtfImport"].runs, m.actions["BtfGen"].runs, all.cpu.Seconds(), m.heap/1e6)
}

// costs describes what an action of each kind takes.
func (b *builder) costs() string {
	var out strings.Builder
	out.WriteString("| action | runs | CPU each, ms |\n|---|--:|--:|\n")
	for _, mnemonic := range slices.Sorted(maps.Keys(b.sums)) {
		if c := b.sums[mnemonic]; ours(mnemonic) && c.runs > 0 {
			fmt.Fprintf(&out, "| %s | %d | %.0f |\n", mnemonic, c.runs, float64(c.cpu.Milliseconds())/float64(c.runs))
		}
	}
	return out.String()
}

// remove ends Bazel and deletes everything.
func (b *builder) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := b.bazel(ctx, "shutdown"); err != nil {
		fmt.Fprintf(b.log, "scale: %v\n", err)
	}
	// Bazel takes away the right to write.
	_ = filepath.WalkDir(b.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return nil
	})
	if err := os.RemoveAll(b.dir); err != nil {
		fmt.Fprintf(b.log, "scale: %v, remove %q\n", err, b.dir)
	}
}
