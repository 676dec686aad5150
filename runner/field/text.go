package field

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// TimestampFormat is the layout of timestamps unless gadget.yaml specifies another one.
const TimestampFormat = "2006-01-02T15:04:05.000000000Z07:00"

func timestampFormatter(b *builder, f *Field) formatter {
	layout := f.Annotations["formatters.timestamp.format"]
	if layout == "" {
		layout = TimestampFormat
	}
	boot, loc := b.env.Boot.UnixNano(), b.env.Location
	if loc == nil {
		loc = time.UTC
	}
	return func(dst []byte, v uint64) []byte {
		return time.Unix(0, boot+int64(v)).In(loc).AppendFormat(dst, layout)
	}
}

func appendSignal(dst []byte, v uint64) []byte {
	if name := unix.SignalName(syscall.Signal(uint32(v))); name != "" {
		return append(dst, name...)
	}
	return strconv.AppendUint(append(dst, "signal#"...), v, 10)
}

// appendErrno appends the name of error number v, nothing for 0.
func appendErrno(dst []byte, v uint64) []byte {
	if v == 0 {
		return dst
	}
	if name := unix.ErrnoName(syscall.Errno(uint32(v))); name != "" {
		return append(dst, name...)
	}
	return strconv.AppendUint(append(dst, "error#"...), v, 10)
}

// appendBytes appends v bytes in units of 1000, with one decimal below ten.
func appendBytes(dst []byte, v uint64) []byte {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	f, i := float64(v), 0
	for f >= 1000 && i < len(units)-1 {
		f /= 1000
		i++
	}
	prec := 0
	if i > 0 && f < 10 {
		prec = 1
	}
	dst = strconv.AppendFloat(dst, f, 'f', prec, 64)
	return append(append(dst, ' '), units[i]...)
}

// appendDuration appends v nanoseconds in the unit that fits.
func appendDuration(dst []byte, v uint64) []byte {
	d := time.Duration(v)
	switch {
	case d < time.Microsecond:
		return append(strconv.AppendInt(dst, int64(d), 10), "ns"...)
	case d < time.Millisecond:
		return append(strconv.AppendFloat(dst, float64(d)/float64(time.Microsecond), 'f', 2, 64), "µs"...)
	case d < time.Second:
		return append(strconv.AppendFloat(dst, float64(d)/float64(time.Millisecond), 'f', 2, 64), "ms"...)
	}
	return append(dst, d.String()...)
}

// appendFileMode appends mode bits as ls prints them; without a file type the
// first character is "-".
func appendFileMode(dst []byte, v uint64) []byte {
	kind := byte('-')
	switch v & unix.S_IFMT {
	case unix.S_IFDIR:
		kind = 'd'
	case unix.S_IFLNK:
		kind = 'l'
	case unix.S_IFIFO:
		kind = 'p'
	case unix.S_IFSOCK:
		kind = 's'
	case unix.S_IFCHR:
		kind = 'c'
	case unix.S_IFBLK:
		kind = 'b'
	}
	dst = append(dst, kind)
	start := len(dst)
	for i := range 9 {
		c := byte('-')
		if v&(1<<(8-i)) != 0 {
			c = "rwx"[i%3]
		}
		dst = append(dst, c)
	}
	for i, s := range []struct{ bit, off uint64 }{{unix.S_ISUID, 2}, {unix.S_ISGID, 5}, {unix.S_ISVTX, 8}} {
		if v&s.bit == 0 {
			continue
		}
		c := "SST"[i]
		if dst[start+int(s.off)] == 'x' {
			c = "sst"[i]
		}
		dst[start+int(s.off)] = c
	}
	return dst
}

// flagName is one bit of open(2)'s flags.
type flagName struct {
	bit  uint64
	name string
}

// openFlags returns the flag bits of a's open(2), in the order they are
// printed. Four of them differ between the architectures.
func openFlags(a arch.Arch) []flagName {
	direct, large, directory, nofollow := uint64(0o40000), uint64(0o100000), uint64(0o200000), uint64(0o400000)
	if a == arch.ARM64 {
		directory, nofollow, direct, large = 0o40000, 0o100000, 0o200000, 0o400000
	}
	return []flagName{
		{0o100, "O_CREAT"},
		{0o200, "O_EXCL"},
		{0o400, "O_NOCTTY"},
		{0o1000, "O_TRUNC"},
		{0o2000, "O_APPEND"},
		{0o4000, "O_NONBLOCK"},
		{0o10000, "O_DSYNC"},
		{0o20000, "O_FASYNC"},
		{direct, "O_DIRECT"},
		{large, "O_LARGEFILE"},
		{directory, "O_DIRECTORY"},
		{nofollow, "O_NOFOLLOW"},
		{0o1000000, "O_NOATIME"},
		{0o2000000, "O_CLOEXEC"},
		{0o4000000, "O_SYNC"},
		{0o10000000, "O_PATH"},
		{0o20000000, "O_TMPFILE"},
	}
}

func flagsFormatter(b *builder, _ *Field) formatter {
	flags := openFlags(b.env.Arch)
	return func(dst []byte, v uint64) []byte {
		switch v & unix.O_ACCMODE {
		case unix.O_RDONLY:
			dst = append(dst, "O_RDONLY"...)
		case unix.O_WRONLY:
			dst = append(dst, "O_WRONLY"...)
		case unix.O_RDWR:
			dst = append(dst, "O_RDWR"...)
		default:
			dst = append(dst, "O_ACCMODE"...)
		}
		for _, f := range flags {
			if v&f.bit != 0 {
				dst = append(append(dst, '|'), f.name...)
			}
		}
		return dst
	}
}

func userFormatter(b *builder, _ *Field) formatter  { return named("uid:", b.env.Users) }
func groupFormatter(b *builder, _ *Field) formatter { return named("gid:", b.env.Groups) }

func named(prefix string, lookup func(uint32) string) formatter {
	return func(dst []byte, v uint64) []byte {
		if lookup != nil {
			if name := lookup(uint32(v)); name != "" {
				return append(dst, name...)
			}
		}
		return strconv.AppendUint(append(dst, prefix...), v, 10)
	}
}

// enumFormatter names the values of the enum that f is, with those that the
// kernel knows besides.
func enumFormatter(b *builder, f *Field, own *btf.Enum) formatter {
	values := own.Values
	if b.env.Enum != nil && own.Name != "" {
		if k := b.env.Enum(own.Name); k != nil {
			values = slices.Concat(k.Values, own.Values)
		}
	}
	values = firstOfEach(values)
	if strings.HasSuffix(own.Name, "_set") {
		return flagSet(values, cmp.Or(f.Annotations["ebpf.formatter.bitfield.separator"], "|"))
	}
	names := make(map[uint64]string, len(values))
	for _, v := range values {
		names[v.Value] = v.Name
	}
	return func(dst []byte, v uint64) []byte {
		if n, ok := names[v]; ok {
			return append(dst, n...)
		}
		return append(dst, "UNKNOWN"...)
	}
}

// firstOfEach keeps of several names of a value the first.
func firstOfEach(values []btf.EnumValue) []btf.EnumValue {
	var out []btf.EnumValue
	seen := map[uint64]bool{}
	for _, v := range values {
		if !seen[v.Value] {
			out = append(out, v)
		}
		seen[v.Value] = true
	}
	return out
}

// flagSet names every flag whose bits are all set. One without bits is the name of no
// flag at all.
func flagSet(flags []btf.EnumValue, separator string) formatter {
	return func(dst []byte, v uint64) []byte {
		start := len(dst)
		for _, flag := range flags {
			if v&flag.Value != flag.Value || flag.Value == 0 && v != 0 {
				continue
			}
			if len(dst) > start {
				dst = append(dst, separator...)
			}
			dst = append(dst, flag.Name...)
		}
		return dst
	}
}
