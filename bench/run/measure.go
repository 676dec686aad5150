package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// row is a line of the table: a measurement of each side.
type row struct {
	what, aim string
	values    map[string]string // by side
}

func (b *bench) add(s side, what, aim, value string) {
	i := slices.IndexFunc(b.rows, func(r row) bool { return r.what == what })
	if i < 0 {
		b.rows = append(b.rows, row{what: what, aim: aim, values: map[string]string{}})
		i = len(b.rows) - 1
	}
	b.rows[i].values[s.name] = value
}

func (b *bench) print() {
	fmt.Print("| measurement |")
	for _, s := range b.sides {
		fmt.Printf(" %s |", s.name)
	}
	fmt.Printf(" aim |\n|---|%s--:|\n", strings.Repeat("--:|", len(b.sides)))
	for _, r := range b.rows {
		fmt.Printf("| %s |", r.what)
		for _, s := range b.sides {
			fmt.Printf(" %s |", r.values[s.name])
		}
		fmt.Printf(" %s |\n", r.aim)
	}
}

// rates are what a runner is measured at: each openat makes some events.
var rates = []struct {
	mode        string
	opens, each int // a second, and events of each
	aim         string
	cost        bool // what counts, else the loss
}{
	{mode: "json", opens: 10_000, each: 1, aim: "4 µs", cost: true},
	{mode: "json", opens: 31_250, each: 8, aim: "2.7 µs", cost: true},
	{mode: "none", opens: 50_000, each: 8, aim: "0 %"},
}

func (b *bench) measure(s side) error {
	for _, r := range rates {
		if err := b.rate(s, r.mode, r.opens, r.each, r.aim, r.cost); err != nil {
			return err
		}
	}
	if err := b.costs(s); err != nil {
		return err
	}
	for _, gadget := range []string{"open", "wasm"} {
		if err := b.firsts(s, gadget); err != nil {
			return err
		}
	}
	info, err := os.Stat(s.binary)
	if err != nil {
		return err
	}
	b.add(s, "size of the binary", "30 MB", fmt.Sprintf("%.1f MB", float64(info.Size())/1e6))
	return nil
}

// rate measures what an event costs the runner, or how many are lost.
func (b *bench) rate(s side, mode string, opens, each int, aim string, cost bool) error {
	g, err := b.startGenerator()
	if err != nil {
		return err
	}
	defer g.stop()
	r, err := b.start(s, "flood", "-o", mode, "-v", "--pid", g.pid(), "--each", fmt.Sprint(each))
	if err != nil {
		return err
	}
	r.ready()
	if _, err := g.open(opens/10, opens); err != nil { // warms up
		return err
	}
	before, err := r.cpu()
	if err != nil {
		return err
	}
	count := int(b.seconds.Seconds() * float64(opens))
	took, err := g.open(count, opens)
	if err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond)
	after, err := r.cpu()
	if err != nil {
		return err
	}
	resident := r.resident()
	if err := r.stop(); err != nil {
		return err
	}
	events := count * each
	lost := float64(r.lost()) / float64(events)
	reached := float64(each) / took.Seconds()
	what := fmt.Sprintf("%d events/s, -o %s", opens*each, mode)
	value := fmt.Sprintf("%.1f µs", (after-before).Seconds()*1e6/float64(events))
	if !cost {
		b.add(s, what+": lost", aim, fmt.Sprintf("%.2f %% of %.0f/s", 100*lost, reached))
		return nil
	}
	b.add(s, what+": CPU of an event", aim, fmt.Sprintf("%s (lost %.2f %% of %.0f/s)", value, 100*lost, reached))
	b.add(s, what+": resident", "35 MB", fmt.Sprintf("%.1f MB", float64(resident)/1e6))
	return nil
}

// opened is how many files are opened to measure what one costs.
const opened = 200_000

// costs measures what tracing costs the process that is traced, and one that the
// filter in the kernel leaves out.
func (b *bench) costs(s side) error {
	for _, c := range []struct {
		what, aim string
		flags     []string
		other     bool
	}{
		{"a traced open(), -o json: more", "1.0 µs", []string{"-o", "json"}, false},
		{"a traced open(), -o none: more", "1.0 µs", []string{"-o", "none"}, false},
		{"an open() that the filter leaves out: more", "0.3 µs", []string{"-o", "json"}, true},
	} {
		var more []time.Duration
		for range b.rounds {
			d, err := b.cost(s, c.flags, c.other)
			if err != nil {
				return err
			}
			more = append(more, d)
		}
		b.add(s, c.what, c.aim, fmt.Sprintf("%.2f µs", median(more).Seconds()*1e6))
	}
	return nil
}

// cost returns by how much an open() takes longer.
func (b *bench) cost(s side, flags []string, other bool) (time.Duration, error) {
	g, err := b.startGenerator()
	if err != nil {
		return 0, err
	}
	defer g.stop()
	pid := g.pid()
	if other {
		pid = "1"
	}
	untraced, err := g.open(opened, 0)
	if err != nil {
		return 0, err
	}
	r, err := b.start(s, "open", append(flags, "--pid", pid)...)
	if err != nil {
		return 0, err
	}
	r.ready()
	traced, err := g.open(opened, 0)
	if err != nil {
		return 0, err
	}
	if err := r.stop(); err != nil {
		return 0, err
	}
	again, err := g.open(opened, 0)
	return traced - min(untraced, again), err
}

// firsts measures the time to the first event, of a process that opens a file every
// millisecond.
func (b *bench) firsts(s side, gadget string) error {
	g, err := b.startGenerator()
	if err != nil {
		return err
	}
	defer g.stop()
	var times []time.Duration
	for i := range b.rounds + 1 {
		r, err := b.start(s, gadget, "-o", "json", "--pid", g.pid())
		if err != nil {
			return err
		}
		for waiting := true; waiting; {
			select {
			case <-r.out:
				waiting = false
			case <-r.done:
				return fmt.Errorf("no event came: %s", r.notes)
			default:
				if _, err := g.open(5, 1000); err != nil {
					return err
				}
			}
		}
		if err := r.stop(); err != nil {
			return err
		}
		if i > 0 { // the first one compiles and reads from the disk
			times = append(times, r.first)
		}
	}
	what := map[string]string{
		"open": "start to first event", "wasm": "start to first event, wasm program, second start",
	}[gadget]
	b.add(s, what, "60 ms", fmt.Sprintf("%d ms", median(times).Milliseconds()))
	return nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
