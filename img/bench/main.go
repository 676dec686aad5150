// Command bench builds Dockerfiles with img and with buildah, as the same
// plain user, and prints a table. It needs the programs that img's tests need.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/rules-gadget/rules_gadget/img/imgtest"
)

// rounds is how often each is measured; the median counts.
const rounds = 3

func main() {
	imgtest.AsPlainUser("IMG=" + os.Getenv("IMG"))
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// side is a builder.
type side struct {
	name  string
	build []string // ends where the context follows
	reset []string // makes the next build a cold one
}

// figure is what was measured of a build.
type figure struct {
	took time.Duration
	peak int64 // KiB resident
}

func run() error {
	img := os.Getenv("IMG")
	if img == "" {
		return errors.New("IMG is not set, name the program: go build -o /tmp/img . && IMG=/tmp/img go run ./bench")
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	sides := []side{
		{"img", []string{img, "build", "-q", "-t", "bench"}, []string{img, "prune"}},
		{
			"buildah",
			[]string{"buildah", "bud", "-q", "--layers", "--isolation=chroot", "-t", "bench"},
			[]string{"buildah", "rmi", "-a", "-f"},
		},
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 1, 2, ' ', 0)
	fmt.Fprintln(w, "Dockerfile\tbuilder\tcold\tno change\tone file changed\tpeak memory")
	for _, c := range cases() {
		ctx := filepath.Join(dir, c.name)
		if err := c.write(ctx); err != nil {
			return err
		}
		for _, s := range sides {
			cold, warm, changed, err := s.measure(ctx)
			if err != nil {
				return fmt.Errorf("%s with %s: %w", c.name, s.name, err)
			}
			fmt.Fprintf(w, "%s\t%s\t%.2f s\t%.2f s\t%.2f s\t%d MiB\n", c.name, s.name, cold.took.Seconds(), warm.took.Seconds(),
				changed.took.Seconds(), cold.peak>>10)
		}
	}
	return w.Flush()
}

// measure builds from nothing, again, and after a change.
func (s side) measure(ctx string) (cold, warm, changed figure, err error) {
	var figures [3][]figure
	for round := range rounds {
		if out, err := exec.Command(s.reset[0], s.reset[1:]...).CombinedOutput(); err != nil {
			return cold, warm, changed, fmt.Errorf("%s: %w: %s", strings.Join(s.reset, " "), err, out)
		}
		for i := range figures {
			if i == 2 {
				text := fmt.Sprintf("changed %d %s", round, s.name)
				if err := os.WriteFile(filepath.Join(ctx, "last"), []byte(text), 0o644); err != nil {
					return cold, warm, changed, err
				}
			}
			f, err := s.once(ctx)
			if err != nil {
				return cold, warm, changed, err
			}
			figures[i] = append(figures[i], f)
		}
	}
	return median(figures[0]), median(figures[1]), median(figures[2]), nil
}

func median(all []figure) figure {
	slices.SortFunc(all, func(a, b figure) int { return int(a.took - b.took) })
	return all[len(all)/2]
}

func (s side) once(ctx string) (figure, error) {
	cmd := exec.Command(s.build[0], append(slices.Clone(s.build[1:]), ctx)...)
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return figure{}, fmt.Errorf("%w: %s", err, out)
	}
	f := figure{took: time.Since(start)}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		f.peak = usage.Maxrss
	}
	return f, nil
}
