package main

import (
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/gadgettest/spawner"
)

// workload is something that a process does again and again, and what traces it.
type workload struct {
	name, what string
	gadget     string
	filter     bool   // the gadget can leave processes out
	peer       string // bpftrace's script, or the text of the table's cell
	script     string // in place of a file
	each       int    // operations of a call; 0 is 1
	operation  func(dir string) func() error
}

var workloads = []workload{
	{
		name: "open", what: "opens and closes a file", gadget: "trace_open", filter: true, peer: "opensnoop.bt",
		operation: openFile,
	},
	{
		name: "exec", what: "starts a process that executes a program",
		gadget: "trace_exec", filter: true, peer: "execsnoop.bt", operation: execute, each: spawner.Processes,
	},
	{
		name: "signal", what: "sends a signal to itself", gadget: "trace_signal", filter: true, peer: "killsnoop.bt",
		operation: sendSignal,
	},
	{
		name: "tcp", what: "connects by TCP, accepts and closes", gadget: "trace_tcp", filter: true,
		peer: "sock:inet_sock_set_state", script: tcpScript, operation: connect, // the tools themselves need kprobes
	},
	{name: "dns", what: "sends and receives a DNS query", gadget: "trace_dns", filter: true, operation: query},
	{
		name: "blockio", what: "writes 4 KiB to a block device", gadget: "top_blockio", filter: true,
		peer: "block:block_rq_{issue,complete}", script: blockScript, operation: writeBlock, // the tools need kprobes
	},
	{
		name: "profile_cpu", what: "computes, sampled at 99 Hz", gadget: "profile_cpu",
		peer: "profile:hz:99", script: "profile:hz:99 { @[kstack, ustack, comm] = count(); } END { clear(@); }",
		operation: compute,
	},
}

// tcpScript shows the ends of connections and that they are made and closed.
const tcpScript = `tracepoint:sock:inet_sock_set_state
/args->protocol == 6 && (args->newstate == 1 || args->newstate == 7)/
{
	printf("%-6d %-16s %d %s %d %s %d\n", pid, comm, args->newstate,
		ntop(args->family, args->saddr), args->sport, ntop(args->family, args->daddr), args->dport);
}`

// blockScript sums what each process transfers, and how long that takes.
const blockScript = `tracepoint:block:block_rq_issue
{
	@start[args->dev, args->sector] = nsecs;
	@who[args->dev, args->sector] = pid;
}
tracepoint:block:block_rq_complete /@start[args->dev, args->sector]/
{
	@us[@who[args->dev, args->sector], args->dev] = sum((nsecs - @start[args->dev, args->sector]) / 1000);
	@bytes[@who[args->dev, args->sector], args->dev] = sum(args->nr_sector * 512);
	@io[@who[args->dev, args->sector], args->dev] = count();
	delete(@start[args->dev, args->sector]);
	delete(@who[args->dev, args->sector]);
}
interval:s:1 { print(@us); print(@bytes); print(@io); clear(@us); clear(@bytes); clear(@io); }`

// done is what a process did.
type done struct {
	rate       float64 // operations for a second of CPU time
	operations int     // all of them
}

// work is the process that is traced: it does the workload for some CPU time, and
// prints what it did.
func work(name string, args []string) int {
	err := func() error {
		limit, err := time.ParseDuration(args[0])
		if err != nil {
			return err
		}
		for _, w := range workloads {
			if w.name == name {
				did, err := w.repeat(limit, args[1])
				fmt.Println(did.rate, did.operations)
				return err
			}
		}
		return fmt.Errorf("no workload %q", name)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// batch is how many operations are done between two looks at the clock.
const batch = 50

// slice is the CPU time of a part of a measurement: what others on the machine do
// meanwhile makes most parts slower, so that one of the fastest tenth counts.
const slice = 20 * time.Millisecond

func (w workload) repeat(limit time.Duration, dir string) (done, error) {
	runtime.LockOSThread()
	if err := unix.SchedSetaffinity(0, &unix.CPUSet{1}); err != nil {
		return done{}, err
	}
	each := max(w.each, 1)
	do := w.operation(dir)
	some := func() (int, error) {
		n := 0
		for n < batch {
			if err := do(); err != nil {
				return 0, err
			}
			n += each
		}
		return n, nil
	}
	all, err := some()
	if err != nil {
		return done{}, err
	}
	var rates []float64
	for end := used() + limit; used() < end; {
		n, rate, err := during(slice, some)
		if err != nil {
			return done{}, err
		}
		all += n
		rates = append(rates, rate)
	}
	slices.Sort(rates)
	return done{rates[len(rates)*9/10], all}, nil
}

// during does something for some CPU time, and returns how often, at all and for each
// second.
func during(limit time.Duration, some func() (int, error)) (int, float64, error) {
	start := used()
	for all := 0; ; {
		n, err := some()
		if err != nil {
			return 0, 0, err
		}
		all += n
		if took := used() - start; took >= limit {
			return all, float64(all) / took.Seconds(), nil
		}
	}
}

// used returns the CPU time of this process and its children.
func used() time.Duration {
	var sum int64
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			panic(err) // the arguments are right
		}
		sum += u.Utime.Nano() + u.Stime.Nano()
	}
	return time.Duration(sum)
}

// work runs the workload in a separate process, for some CPU time.
func (b *bench) work(w workload, limit time.Duration) (done, error) {
	cmd := exec.CommandContext(b.ctx, b.self, limit.String(), b.dir)
	cmd.Env = append(os.Environ(), workEnv+"="+w.name)
	cmd.Stderr = b.log
	out, err := cmd.Output()
	if err != nil {
		return done{}, err
	}
	var did done
	_, err = fmt.Sscan(string(out), &did.rate, &did.operations)
	return did, err
}

func openFile(string) func() error {
	return func() error {
		fd, err := unix.Open("/etc/passwd", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return unix.Close(fd)
	}
}

func execute(dir string) func() error {
	path := filepath.Join(dir, "spawner")
	err := spawner.Write(path, spawner.Executes)
	return func() error {
		if err != nil {
			return err
		}
		return exec.Command(path, "start").Run() //nolint:noctx // ends at once
	}
}

func sendSignal(string) func() error {
	pid := os.Getpid()
	return func() error { return unix.Kill(pid, unix.SIGWINCH) } // ignored
}

func connect(string) func() error {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	address := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err == nil {
		err = unix.Bind(listener, address)
	}
	if err == nil {
		err = unix.Listen(listener, batch)
	}
	var bound unix.Sockaddr
	if err == nil {
		bound, err = unix.Getsockname(listener)
	}
	return func() error {
		if err != nil {
			return err
		}
		client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(client)
		// A reset at the end, so that no port is left to wait.
		if err := unix.SetsockoptLinger(client, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
			return err
		}
		if err := unix.Connect(client, bound); err != nil {
			return err
		}
		server, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		if err != nil {
			return err
		}
		return unix.Close(server)
	}
}

// dnsQuery requests the address of example.com.
const dnsQuery = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"

func query(string) func() error {
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 53})
	var client *net.UDPConn
	if err == nil {
		client, err = net.DialUDP("udp4", nil, server.LocalAddr().(*net.UDPAddr))
	}
	buf := make([]byte, 512)
	return func() error {
		if err != nil {
			return err
		}
		if _, err := client.Write([]byte(dnsQuery)); err != nil {
			return err
		}
		_, err := server.Read(buf)
		return err
	}
}

func compute(string) func() error {
	data := make([]byte, 1<<14)
	return func() error {
		sum := sha256.Sum256(data)
		copy(data, sum[:])
		return nil
	}
}
