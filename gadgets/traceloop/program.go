// Makes texts of the system calls that the eBPF program has kept.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/rules-gadget/rules_gadget/wasmapi"
)

// What the eBPF program knows, too.
const (
	maxSyscalls = 512
	maxArgs     = 6
	maxTexts    = 2
	textSize    = 128
	callSize    = 8*maxArgs + 8 + 4 + 4 + 4*maxTexts + maxTexts*textSize
)

// Where a text ends, as the eBPF program numbers it.
const (
	textString = iota + 1
	textSent
	textReceived
)

// A text is what an argument points to.
type text struct{ kind, arg, lenArg byte }

// buffers are the arguments that point to bytes; strings are known by their names.
var buffers = map[string]text{
	"write":      {textSent, 1, 2},
	"pwrite64":   {textSent, 1, 2},
	"sendto":     {textSent, 1, 2},
	"read":       {textReceived, 1, 0},
	"pread64":    {textReceived, 1, 0},
	"recvfrom":   {textReceived, 1, 0},
	"readlink":   {textReceived, 1, 0},
	"readlinkat": {textReceived, 2, 0},
}

// stringNames are the parameters that are strings, in whatever call.
const stringNames = " filename pathname path oldname newname dev_name dir_name "

// errorNames are the names of the error numbers from 1 on.
var errorNames = strings.Fields(
	"EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST " +
		"EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM " +
		"ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG " +
		"EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET " +
		"ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG " +
		"ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE " +
		"EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE " +
		"EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN " +
		"ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL " +
		"EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD " +
		"ENOTRECOVERABLE ERFKILL EHWPOISON")

// restarts are the error numbers that a call interrupted by a signal has in the kernel.
var restarts = map[int64]string{
	512: "ERESTARTSYS", 513: "ERESTARTNOINTR", 514: "ERESTARTNOHAND", 516: "ERESTART_RESTARTBLOCK",
}

// A syscall is what is known of a system call.
type syscall struct {
	name   string
	params []wasmapi.SyscallParam
	texts  []text // at most maxTexts
}

// recorder is the state of the program.
type recorder struct {
	syscalls                       [maxSyscalls]syscall
	call, syscall, parameters, ret wasmapi.Field
	data                           [callSize]byte
}

var r recorder

//go:wasmexport gadgetInit
func gadgetInit() int32 { return wasmapi.Run(r.setUp) }

//go:wasmexport gadgetStart
func gadgetStart() int32 { return wasmapi.Run(r.start) }

func (r *recorder) setUp() error {
	calls, err := wasmapi.GetSource("traceloop")
	if err != nil {
		return err
	}
	var errs [4]error
	r.call, errs[0] = calls.Field("call")
	r.syscall, errs[1] = calls.AddField("syscall", wasmapi.String)
	r.parameters, errs[2] = calls.AddField("parameters", wasmapi.String)
	r.ret, errs[3] = calls.AddField("ret", wasmapi.String)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	return calls.Subscribe(func(event wasmapi.Data) {
		if err := r.fill(event); err != nil {
			wasmapi.Errorf("%v", err)
		}
	})
}

// start tells the eBPF program which calls are wanted, and their texts.
func (r *recorder) start() error {
	wanted, err := wantedCalls()
	if err != nil {
		return err
	}
	specs, err := wasmapi.GetMap("specs")
	if err != nil {
		return err
	}
	_, err = wasmapi.SyscallParams("openat") // which every kernel has that tells any
	declared := err == nil
	for nr := range maxSyscalls {
		name, err := wasmapi.SyscallName(uint32(nr))
		if err != nil {
			return err
		}
		r.syscalls[nr] = describe(name, declared)
		spec := r.syscalls[nr].spec(wanted[name] || wanted == nil && name != reads)
		if err := specs.Update(binary.LittleEndian.AppendUint32(nil, uint32(nr)), spec, wasmapi.UpdateAny); err != nil {
			return err
		}
	}
	return nil
}

// reads are the calls by which the runner reads what is kept: they would take the
// place of others.
const reads = "bpf"

// wantedCalls returns the calls that the user asks for, nil for all but reads.
func wantedCalls() (map[string]bool, error) {
	filters, err := wasmapi.Param("syscall-filters")
	if err != nil || strings.TrimSpace(filters) == "" {
		return nil, err
	}
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(filters, ",") {
		name = strings.TrimSpace(name)
		if _, err := wasmapi.SyscallNumber(name); err != nil {
			wasmapi.Warnf("parameter syscall-filters: this machine has no system call %q", name)
			continue
		}
		wanted[name] = true
	}
	if len(wanted) == 0 {
		return nil, fmt.Errorf("parameter syscall-filters: %q names no system call of this machine", filters)
	}
	return wanted, nil
}

// describe finds out what is known of a system call. Where it is not declared, its
// arguments have no names.
func describe(name string, declared bool) syscall {
	s := syscall{name: name}
	if declared && !strings.HasPrefix(name, "syscall_") {
		s.params, _ = wasmapi.SyscallParams(name)
	}
	if t, ok := buffers[name]; ok {
		s.texts = append(s.texts, t)
	}
	for i, p := range s.params {
		if p.Pointer && len(s.texts) < maxTexts && strings.Contains(stringNames, " "+p.Name+" ") {
			s.texts = append(s.texts, text{kind: textString, arg: byte(i)})
		}
	}
	return s
}

// spec is what the eBPF program is told about a system call.
func (s *syscall) spec(wanted bool) []byte {
	spec := make([]byte, 8)
	if wanted {
		spec[0] = 1
	}
	for i, t := range s.texts {
		spec[1+i], spec[1+maxTexts+i], spec[1+2*maxTexts+i] = t.kind, t.arg, t.lenArg
	}
	return spec
}

// fill adds the texts of a call.
func (r *recorder) fill(event wasmapi.Data) error {
	if n, err := r.call.Read(event, r.data[:]); err != nil || n != callSize {
		return errors.Join(err, fmt.Errorf("a call of %d bytes", n))
	}
	c := decode(r.data[:])
	s := &syscall{name: strconv.Itoa(int(c.nr))}
	if c.nr < maxSyscalls {
		s = &r.syscalls[c.nr]
	}
	return errors.Join(r.syscall.SetText(event, s.name), r.parameters.SetText(event, s.parameters(&c)),
		r.ret.SetText(event, s.result(&c)))
}

// A call is what the eBPF program has kept.
type call struct {
	args  [maxArgs]uint64
	ret   int64
	nr    uint32
	ended bool
	lens  [maxTexts]uint32
	texts []byte
}

func decode(data []byte) call {
	var c call
	number := func() uint32 {
		n := binary.LittleEndian.Uint32(data)
		data = data[4:]
		return n
	}
	for i := range c.args {
		c.args[i] = uint64(number()) | uint64(number())<<32
	}
	c.ret = int64(uint64(number()) | uint64(number())<<32)
	c.nr = number()
	c.ended = number() != 0
	for i := range c.lens {
		c.lens[i] = number()
	}
	c.texts = data
	return c
}

// parameters returns the arguments with their names.
func (s *syscall) parameters(c *call) string {
	if s.params == nil {
		out := make([]string, maxArgs)
		for i, arg := range c.args {
			out[i] = fmt.Sprintf("%#x", arg)
		}
		return strings.Join(out, ", ")
	}
	out := make([]string, len(s.params))
	for i, p := range s.params {
		value := strconv.FormatInt(int64(c.args[i]), 10)
		switch {
		case p.Pointer:
			value = fmt.Sprintf("%#x", c.args[i])
		case strings.HasSuffix(p.Name, "fd") || strings.HasSuffix(p.Name, "pid"): // -1 may come as 0xffffffff
			value = strconv.Itoa(int(int32(c.args[i])))
		}
		for n, t := range s.texts {
			if int(t.arg) == i && c.lens[n] > 0 {
				value = quoted(c.texts[n*textSize:(n+1)*textSize], c.lens[n], t.kind == textString)
			}
		}
		out[i] = p.Name + "=" + value
	}
	return strings.Join(out, ", ")
}

// quoted returns a text in quotes, with dots behind one that is longer than the room.
func quoted(room []byte, length uint32, isString bool) string {
	shown := string(room[:min(int(length), textSize)])
	cut := length > textSize
	if isString { // its length counts the NUL, which one that was cut has as well
		cut = length == textSize
		shown = strings.TrimSuffix(shown, "\x00")
	}
	if cut {
		return strconv.Quote(shown) + "..."
	}
	return strconv.Quote(shown)
}

// result returns what the call came to.
func (s *syscall) result(c *call) string {
	const lastError = 4095
	switch {
	case s.name == "exit" || s.name == "exit_group" || s.name == "rt_sigreturn":
		return "X" // return nothing
	case !c.ended:
		return "unfinished"
	case c.ret >= 0 || c.ret < -lastError:
		return strconv.FormatUint(uint64(c.ret), 10)
	case int(-c.ret) <= len(errorNames):
		return "-1 (" + errorNames[-c.ret-1] + ")"
	case restarts[-c.ret] != "":
		return "-1 (" + restarts[-c.ret] + ")"
	}
	return fmt.Sprintf("-1 (%d)", -c.ret)
}

func main() {}
