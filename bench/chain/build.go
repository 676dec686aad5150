package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	image    = "//gadgets/trace_open:image"
	program  = "gadgets/trace_open/program.bpf.c"
	metadata = "gadgets/trace_open/gadget.yaml"
)

// builder runs Bazel in the workspace dir.
type builder struct {
	dir  string
	runs int
}

func (b *builder) bazel(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "./bazelw", args...)
	cmd.Dir = b.dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("./bazelw %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// timed returns how long a build of the image takes.
func (b *builder) timed(ctx context.Context, flags ...string) (time.Duration, error) {
	start := time.Now()
	_, err := b.bazel(ctx, append([]string{"build", image}, flags...)...)
	return time.Since(start), err
}

// edited runs body while name has text appended, and puts the file back.
func (b *builder) edited(name, text string, body func() error) (err error) {
	path := filepath.Join(b.dir, name)
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	defer func() {
		if restore := os.WriteFile(path, before, 0o644); restore != nil {
			err = fmt.Errorf("putting %s back: %w, use git checkout", name, restore)
		}
	}()
	if err := os.WriteFile(path, append(before[:len(before):len(before)], text...), 0o644); err != nil {
		return err
	}
	return body()
}

func measureBuilds(ctx context.Context, b *builder) ([]row, error) {
	if _, err := b.timed(ctx); err != nil {
		return nil, err
	}
	noop, err := median(b.runs, func(int) (time.Duration, error) { return b.timed(ctx) })
	if err != nil {
		return nil, err
	}
	stamp := time.Now().UnixNano()
	edit, err := median(b.runs, func(i int) (d time.Duration, err error) {
		text := fmt.Sprintf("\nconst volatile long bench_%d = 1;\n", stamp+int64(i))
		err = b.edited(program, text, func() error { d, err = b.timed(ctx); return err })
		return d, err
	})
	if err != nil {
		return nil, err
	}
	compiles, err := b.compilesAfterMetadataEdit(ctx, stamp)
	if err != nil {
		return nil, err
	}
	return []row{
		durationRow("build of :image, nothing changed", noop, time.Second),
		durationRow("build of :image, program.bpf.c changed", edit, 2500*time.Millisecond),
		{"compiles after an edit of gadget.yaml", fmt.Sprint(compiles), "0", compiles == 0},
	}, nil
}

// compilesAfterMetadataEdit returns how many BpfCompile actions ran.
func (b *builder) compilesAfterMetadataEdit(ctx context.Context, stamp int64) (n int, err error) {
	events := filepath.Join(os.TempDir(), fmt.Sprintf("chain-%d.json", stamp))
	defer os.Remove(events)
	if _, err := b.timed(ctx); err != nil {
		return 0, err
	}
	text := fmt.Sprintf("\n# bench %d\n", stamp)
	err = b.edited(metadata, text, func() error {
		_, err := b.timed(ctx, "--build_event_json_file="+events)
		return err
	})
	if err != nil {
		return 0, err
	}
	counts, err := actionCounts(events)
	if err != nil {
		return 0, err
	}
	if counts["GadgetManifest"] == 0 {
		return 0, fmt.Errorf("an edit of %s ran no GadgetManifest, so the measurement proves nothing", metadata)
	}
	return counts["BpfCompile"], nil
}

// actionCounts reads how many actions of each mnemonic a build executed from its build events.
func actionCounts(path string) (map[string]int, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	counts := map[string]int{}
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return counts, nil
		}
		var event struct {
			BuildMetrics struct {
				ActionSummary struct {
					ActionData []struct {
						Mnemonic        string
						ActionsExecuted json.Number
					}
				}
			}
		}
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("reading build events: %w", err)
		}
		for _, a := range event.BuildMetrics.ActionSummary.ActionData {
			n, _ := a.ActionsExecuted.Int64()
			counts[a.Mnemonic] += int(n)
		}
	}
}

func measureRoot(ctx context.Context, b *builder) ([]row, error) {
	cache, err := os.MkdirTemp("", "chain-root")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(cache)
	cmd := exec.CommandContext(ctx, "./bazelw", "doctor", "--make-root")
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "XDG_CACHE_HOME="+cache)
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return []row{durationRow("private root from nothing", time.Since(start), 4*time.Minute)}, nil
}
