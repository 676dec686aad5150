package vm

import (
	"encoding/json"
	"fmt"
	"time"
)

// Paths inside the virtual machine.
const (
	planPath     = "vm/plan.json"
	initPath     = "init"
	workloadPath = "bin/workload" // the init program again; see Guest
)

// Plan is what the guest is to do: run one gadget together with a workload, or
// commands, one after the other. It travels as JSON in the initramfs.
type Plan struct {
	HideBTF  bool       `json:"hide_btf"`      // let the kernel look as if it had no BTF
	Modules  []string   `json:"modules"`       // kernel modules to load first, in this order
	Commands [][]string `json:"commands"`      // each is run once and to its end
	Gadget   []string   `json:"gadget"`        // command line of the gadget; runs until Expect is met
	Env      []string   `json:"env,omitempty"` // environment of all commands, "K=V"
	Workload [][]string `json:"workload"`      // commands to observe, run again and again
	Expect   []Event    `json:"expect"`        // events to wait for
	Timeout  Seconds    `json:"timeout"`       // for the gadget and its workload, or all commands, together
}

// Seconds is a duration that is written as a number of seconds.
type Seconds time.Duration

// MarshalJSON implements json.Marshaler.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(s).Seconds())
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Seconds) UnmarshalJSON(data []byte) error {
	var f float64
	if err := json.Unmarshal(data, &f); err != nil {
		return fmt.Errorf("reading a number of seconds: %w", err)
	}
	*s = Seconds(f * float64(time.Second))
	return nil
}

// Message is one line that the guest reports.
type Message struct {
	Kind string `json:"kind"`           // one of the Kind constants
	Text string `json:"text,omitempty"` // output, error or release
	BTF  bool   `json:"btf,omitempty"`  // with KindBoot: the kernel shows BTF, before hiding
	Code int    `json:"code,omitempty"` // with KindExit: exit code, -1 for a signal
}

// Kinds of Message, in the order of a good run: boot, then any number of
// outputs, then exit, then done.
const (
	KindBoot   = "boot"   // Text: uname -r
	KindStdout = "stdout" // Text: one line of the gadget or of a command
	KindStderr = "stderr" // Text: one line of the gadget or of a command
	KindExit   = "exit"   // the gadget or a command has ended
	KindError  = "error"  // Text: what the guest could not do
	KindDone   = "done"   // the last message
)
