package live

import "os"

// Process is the field "proc", which every gadget about processes has.
type Process struct {
	Comm   string `json:"comm"`
	PID    int    `json:"pid"`
	TID    int    `json:"tid"`
	MntNS  uint64 `json:"mntns_id"`
	Creds  Creds  `json:"creds"`
	Parent Parent `json:"parent"`
}

// Creds are the credentials with which the process ran.
type Creds struct {
	UID int `json:"uid"`
	GID int `json:"gid"`
}

// Parent is the parent of the process.
type Parent struct {
	Comm string `json:"comm"`
	PID  int    `json:"pid"`
}

// Own reports whether the process is this one.
func (p Process) Own() bool { return p.PID == os.Getpid() }

// Child reports whether the process is a child of this one.
func (p Process) Child() bool { return p.Parent.PID == os.Getpid() }
