package field

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// here is a machine that was booted at a known time, with one user and one group.
func here() Env {
	only := func(id uint32, name string) func(uint32) string {
		return func(got uint32) string {
			if got == id {
				return name
			}
			return ""
		}
	}
	return Env{
		Boot: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Arch: arch.AMD64,
		Users: only(1000, "alice"), Groups: only(27, "sudo"),
	}
}

// specialTexts are values of every special type that has a text, and the text.
var specialTexts = map[string]map[uint64]string{
	gadgetapi.TypeTimestamp: {
		0:             "2026-01-02T03:04:05.000000006Z",
		1_500_000_000: "2026-01-02T03:04:06.500000006Z",
	},
	gadgetapi.TypeDuration: {
		0: "0ns", 999: "999ns", 1000: "1.00µs", 2345: "2.35µs", 999_990: "999.99µs", 1_000_000: "1.00ms",
		12_345_678: "12.35ms", 1_000_000_000: "1s", 1_500_000_000: "1.5s", 3_661_000_000_000: "1h1m1s",
	},
	gadgetapi.TypeErrno: {0: "", 1: "EPERM", 2: "ENOENT", 13: "EACCES", 11: "EAGAIN", 133: "EHWPOISON", 512: "error#512"},
	gadgetapi.TypeSignal: {
		0: "signal#0", 1: "SIGHUP", 9: "SIGKILL", 15: "SIGTERM", 17: "SIGCHLD", 31: "SIGSYS", 64: "signal#64",
	},
	gadgetapi.TypeSyscall: {1 << 40: "SYS_UNKNOWN", ^uint64(0): "SYS_UNKNOWN", 435: "SYS_CLONE3", 437: "SYS_OPENAT2"},
	gadgetapi.TypeBytes: {
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 1049: "1.0 kB", 9949: "9.9 kB", 10_000: "10 kB", 123_456: "123 kB",
		1_000_000: "1.0 MB", 5_500_000_000: "5.5 GB", 2_000_000_000_000: "2.0 TB", 3_000_000_000_000_000: "3.0 PB",
		^uint64(0): "18 EB",
	},
	gadgetapi.TypeFileMode: {
		0: "----------", 0o100644: "-rw-r--r--", 0o40755: "drwxr-xr-x", 0o120777: "lrwxrwxrwx", 0o10600: "prw-------",
		0o140755: "srwxr-xr-x", 0o20620: "crw--w----", 0o60660: "brw-rw----", 0o104755: "-rwsr-xr-x",
		0o102755: "-rwxr-sr-x", 0o41777: "drwxrwxrwt", 0o41776: "drwxrwxrwT", 0o106644: "-rwSr-Sr--",
	},
	gadgetapi.TypeFileFlags: {
		0: "O_RDONLY", 1: "O_WRONLY", 2: "O_RDWR", 3: "O_ACCMODE", 0o101: "O_WRONLY|O_CREAT",
		0o1101: "O_WRONLY|O_CREAT|O_TRUNC", 0o2000000: "O_RDONLY|O_CLOEXEC", 0o40000: "O_RDONLY|O_DIRECT",
		0o20200000: "O_RDONLY|O_DIRECTORY|O_TMPFILE", 0o4010002: "O_RDWR|O_DSYNC|O_SYNC",
	},
	gadgetapi.TypeUID: {1000: "alice", 0: "uid:0", 4294967295: "uid:4294967295"},
	gadgetapi.TypeGID: {27: "sudo", 1000: "gid:1000"},
}

// TestSpecialTexts shows values of every special type that a formatter gives a text.
func TestSpecialTexts(t *testing.T) {
	for _, special := range gadgetapi.Specials() {
		if special.Sibling == nil || special.Sibling.Provider != "" {
			continue
		}
		t.Run(special.Name, func(t *testing.T) {
			values := specialTexts[special.Name]
			if len(values) == 0 {
				t.Fatal("no value of this type is shown by any test")
			}
			typ := pack("event", 8, member("value_raw", 0, typedef(special.Name, u64)))
			src := build(t, typ, Options{Env: here()})
			for v, want := range values {
				if got := text(t, src, "value", binary.NativeEndian.AppendUint64(nil, v)); got != want {
					t.Errorf("%d is shown as %q, want %q", v, got, want)
				}
			}
		})
	}
}

// TestSpecialTextsOfBareMachine shows what needs the machine where nothing is known
// of it.
func TestSpecialTextsOfBareMachine(t *testing.T) {
	for special, want := range map[string]string{
		gadgetapi.TypeUID: "uid:7", gadgetapi.TypeGID: "gid:7", gadgetapi.TypeFileFlags: "O_ACCMODE",
	} {
		fields := map[string]map[string]string{"value_raw": {"uidgidresolver.target": "value"}}
		src := build(t, pack("event", 8, member("value_raw", 0, typedef(special, u64))), Options{Fields: fields})
		if got := text(t, src, "value", []byte{7, 0, 0, 0, 0, 0, 0, 0}); got != want {
			t.Errorf("%s is shown as %q, want %q", special, got, want)
		}
	}
}

// TestTimestamps have the zone of the user, the format that gadget.yaml specifies, and
// raw the nanoseconds since 1970.
func TestTimestamps(t *testing.T) {
	env := here()
	env.Location = time.FixedZone("CET", 3600)
	typ := pack("event", 16, member("time_raw", 0, typedef(gadgetapi.TypeTimestamp, u64)),
		member("seen_raw", 8, typedef(gadgetapi.TypeTimestamp, u64)))
	src := build(t, typ, Options{Env: env, Fields: map[string]map[string]string{
		"seen_raw": {"formatters.timestamp.format": "15:04:05"},
	}})
	sample := make([]byte, 16)
	binary.NativeEndian.PutUint64(sample, uint64(time.Hour))
	binary.NativeEndian.PutUint64(sample[8:], uint64(time.Minute))
	for name, want := range map[string]string{
		"time": "2026-01-02T05:04:05.000000006+01:00", "seen": "04:05:05", "time_raw": "1767326645000000006",
		"seen_raw": "1767323105000000006",
	} {
		if got := text(t, src, name, sample); got != want {
			t.Errorf("%s is shown as %s, want %s", name, got, want)
		}
		if !lookup(t, src, name).Time {
			t.Errorf("%s does not count as a time", name)
		}
	}
	match, err := Filter(src, []string{"time_raw>=1767326645000000006,time~T05:04"})
	if err != nil || !match(sample) {
		t.Errorf("a filter by time does not hold: %v", err)
	}
}
