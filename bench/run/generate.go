package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// generate opens files as often as lines of stdin say, "COUNT RATE",
// and writes how many nanoseconds each took. Rate 0 is as fast as it gets, and the
// time that of the batch in the middle: what else the machine does makes some slow.
func generate() {
	runtime.LockOSThread()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var count, rate int
		if _, err := fmt.Sscanf(in.Text(), "%d %d", &count, &rate); err != nil {
			os.Exit(1)
		}
		if rate == 0 {
			fmt.Println(openBatches(count))
		} else {
			fmt.Println(openFiles(count, rate))
		}
	}
}

// batch is how many files are opened between two looks at the clock.
const batch = 100

// openBatches opens a file count times as fast as it can, and returns the nanoseconds of
// each in the median batch.
func openBatches(count int) int64 {
	var took []int64
	for range max(count/batch, 1) {
		took = append(took, openFiles(batch, 0))
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// openFiles opens a file count times, evenly, and returns the nanoseconds of each.
func openFiles(count, rate int) int64 {
	start := time.Now()
	for i := range count {
		for rate > 0 && time.Since(start) < time.Duration(i)*time.Second/time.Duration(rate) {
		}
		if fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			_ = unix.Close(fd)
		}
	}
	return time.Since(start).Nanoseconds() / int64(count)
}

// generator is the process that is traced.
type generator struct {
	cmd *exec.Cmd
	in  *os.File
	out *bufio.Scanner
}

func (b *bench) startGenerator() (*generator, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &generator{cmd: exec.CommandContext(b.ctx, self, generateCommand)}
	in, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	g.cmd.Stdin, g.in = in, w
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	g.out = bufio.NewScanner(out)
	err = g.cmd.Start()
	in.Close()
	return g, err
}

func (g *generator) pid() string { return strconv.Itoa(g.cmd.Process.Pid) }

// open has count files opened and returns the time that each took.
func (g *generator) open(count, rate int) (time.Duration, error) {
	if _, err := fmt.Fprintf(g.in, "%d %d\n", count, rate); err != nil {
		return 0, err
	}
	if !g.out.Scan() {
		return 0, fmt.Errorf("the process that opens files ended: %w", g.out.Err())
	}
	n, err := strconv.ParseInt(g.out.Text(), 10, 64)
	return time.Duration(n), err
}

func (g *generator) stop() {
	g.in.Close()
	_ = g.cmd.Wait() // it ends with its input
}
