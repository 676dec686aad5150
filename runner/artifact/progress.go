package artifact

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// A transfer that is over soon needs no progress; a longer one is reported
// often on a terminal and now and then elsewhere.
const (
	progressAfter = time.Second
	progressTick  = 200 * time.Millisecond
	progressLine  = 10 * time.Second
	progressBar   = 30 // characters

	minProgressBar = 4 // a shorter bar is left out
)

// Progress shows how far a transfer is: a bar on a terminal, lines elsewhere.
type Progress struct {
	w     io.Writer
	name  string
	bar   bool
	start time.Time
	stop  chan struct{}
	ended sync.WaitGroup

	mu          sync.Mutex
	done, total int64
	shown       bool
	last        time.Time
}

// StartProgress begins to show the transfer of name. With --quiet it
// shows nothing.
func StartProgress(g *cli.Globals, name string) *Progress {
	p := &Progress{w: g.Stderr, name: name, start: time.Now(), stop: make(chan struct{})}
	if g.Quiet {
		return p
	}
	p.bar = cli.IsScreen(g.Stderr)
	p.ended.Go(func() {
		tick := time.NewTicker(progressTick)
		defer tick.Stop()
		for {
			select {
			case <-p.stop:
				return
			case now := <-tick.C:
				p.show(now)
			}
		}
	})
	return p
}

// End takes the bar away.
func (p *Progress) End() {
	close(p.stop)
	p.ended.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar && p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func (p *Progress) show(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.start) < progressAfter || p.total == 0 {
		return
	}
	if !p.bar {
		if now.Sub(p.start) >= progressLine && now.Sub(p.last) >= progressLine {
			p.last = now
			fmt.Fprintf(p.w, "%s: %s of %s\n", p.name, show.Size(p.done), show.Size(p.total))
		}
		return
	}
	p.shown = true
	fmt.Fprintf(p.w, "\r%s\x1b[K", p.line(cli.TerminalWidth(p.w)))
}

// line is the bar and the numbers, on a terminal of that many columns without the
// last, so that it does not wrap; 0 where the width is unknown.
func (p *Progress) line(width int) string {
	numbers := fmt.Sprintf("%s of %s", show.Size(p.done), show.Size(p.total))
	length := int64(progressBar)
	if width > 0 {
		length = min(length, int64(width-1-len("[] ")-len(numbers)))
	}
	if length < minProgressBar {
		return numbers
	}
	filled := int(min(p.done, p.total) * length / p.total)
	return fmt.Sprintf("[%-*s] %s", int(length), strings.Repeat("=", filled), numbers)
}

func (p *Progress) add(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += done
	p.total += total
}

// Watch returns a place of blobs that counts what is read of it.
func (p *Progress) Watch(blobs oci.Blobs) oci.Blobs { return watched{blobs, p} }

// watched is a place of blobs that counts what is read of it.
type watched struct {
	oci.Blobs
	p *Progress
}

// Open implements oci.Blobs.
func (w watched) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	r, err := w.Blobs.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	w.p.add(0, d.Size)
	return &countedReader{r, w.p}, nil
}

// OpenAt opens a blob in the middle, where the place can. The store resumes
// broken transfers with it.
func (w watched) OpenAt(ctx context.Context, d ocispec.Descriptor, offset int64) (io.ReadCloser, error) {
	at, ok := w.Blobs.(interface {
		OpenAt(context.Context, ocispec.Descriptor, int64) (io.ReadCloser, error)
	})
	if !ok {
		return nil, fmt.Errorf("reading %s from byte %d: the source cannot start there", d.Digest, offset)
	}
	r, err := at.OpenAt(ctx, d, offset)
	if err != nil {
		return nil, err
	}
	w.p.add(0, d.Size-offset)
	return &countedReader{r, w.p}, nil
}

// countedReader counts what passes through it.
type countedReader struct {
	io.ReadCloser
	p *Progress
}

// Read implements io.Reader.
func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.p.add(int64(n), 0)
	return n, err
}
