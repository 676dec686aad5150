// Makes seccomp profiles of the system calls that the eBPF program saw.
package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/wasmapi"
)

// profile begins as all do: what is not listed fails.
const profile = `{
  "defaultAction": "SCMP_ACT_ERRNO",
  "architectures": [
    %s
  ],
  "syscalls": [
    {
      "names": [
        %s
      ],
      "action": "SCMP_ACT_ALLOW"
    }
  ]
}
`

// architectures are those of a machine, by the number of its system call read.
var architectures = map[int][]string{
	0:  {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"},
	63: {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"},
}

// fields are those of the two data sources.
type fields struct {
	mntns, comm, syscalls, text wasmapi.Field
	archs                       []string
}

//go:wasmexport gadgetInit
func gadgetInit() int32 { return wasmapi.Run(setUp) }

func setUp() error {
	syscalls, err := wasmapi.GetSource("syscalls")
	if err != nil {
		return err
	}
	advise, err := wasmapi.NewSource("advise")
	if err != nil {
		return err
	}
	read, err := wasmapi.SyscallNumber("read")
	if err != nil {
		return err
	}
	f := fields{archs: architectures[read]}
	var errs [4]error
	f.mntns, errs[0] = syscalls.Field("mntns_id")
	f.comm, errs[1] = syscalls.Field("comm")
	f.syscalls, errs[2] = syscalls.Field("syscalls")
	f.text, errs[3] = advise.AddField("text", wasmapi.String)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	// What it has is for this program alone, in every form of output.
	if err := syscalls.Hide(); err != nil {
		return err
	}
	return syscalls.SubscribeArray(func(entries wasmapi.Array) {
		if entries.Len() == 0 {
			return
		}
		err := advise.Emit(func(event wasmapi.Data) error {
			text, err := f.profiles(entries)
			if err != nil {
				return err
			}
			return f.text.SetText(event, text)
		})
		if err != nil {
			wasmapi.Errorf("%v", err)
		}
	})
}

// profiles returns a profile for each entry. One alone is a file that needs no
// change; several are told apart by a line before each.
func (f *fields) profiles(entries wasmapi.Array) (string, error) {
	var out strings.Builder
	for i := range entries.Len() {
		entry := entries.Get(i)
		names, err := f.names(entry)
		if err != nil {
			return "", err
		}
		if entries.Len() > 1 {
			mntns, err := wasmapi.Get[uint64](f.mntns, entry)
			if err != nil {
				return "", err
			}
			comm, err := f.comm.Text(entry)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&out, "// mount namespace %d, first process %q\n", mntns, comm)
		}
		fmt.Fprintf(&out, profile, list(f.archs, 4), list(names, 8))
	}
	return out.String(), nil
}

// names returns the system calls of an entry, in the order of their names.
func (f *fields) names(entry wasmapi.Data) ([]string, error) {
	made := make([]byte, 512)
	n, err := f.syscalls.Read(entry, made)
	if err != nil {
		return nil, err
	}
	var names []string
	for number, seen := range made[:n] {
		if seen == 0 {
			continue
		}
		name, err := wasmapi.SyscallName(uint32(number))
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(name, "syscall_") {
			wasmapi.Warnf("system call %d has no name and is not in the profile", number)
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// list returns what stands between the brackets of a JSON array of names.
func list(names []string, indent int) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = `"` + name + `"`
	}
	return strings.Join(quoted, ",\n"+strings.Repeat(" ", indent))
}

func main() {}
