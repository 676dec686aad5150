package rootless

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	sysuser "github.com/moby/sys/user"
	"golang.org/x/sys/unix"
)

// enough is how many ids an image usually needs.
const enough = 65536

// mapping maps the ids inside to ids outside. A nil mapping is
// that of real root, who needs no user namespace.
type mapping struct {
	uids, gids []sysuser.SubID // empty: only the user's own id
}

// plan finds the ids of the user.
func plan(note func(string)) (*mapping, error) {
	if os.Geteuid() == 0 && mayMount() {
		return nil, nil
	}
	m := &mapping{}
	lacks := m.find()
	if lacks != "" {
		m.uids, m.gids = nil, nil
		note(lacks + ": every file belongs to one user, so RUN commands that change owners or switch users fail")
	}
	return m, nil
}

// find fills in the user's ranges. What is missing for that it returns.
func (m *mapping) find() string {
	name := userName()
	for _, helper := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(helper); err != nil {
			return "no " + helper + " in PATH, install the package uidmap"
		}
	}
	for _, f := range []struct {
		path   string
		ranges *[]sysuser.SubID
	}{{"/etc/subuid", &m.uids}, {"/etc/subgid", &m.gids}} {
		all, err := sysuser.ParseSubIDFileFilter(f.path, func(e sysuser.SubID) bool {
			return e.Name == name || e.Name == strconv.Itoa(os.Getuid())
		})
		if err != nil || len(all) == 0 {
			return fmt.Sprintf("%s has no entry for %s, as root add the line \"%s:100000:%d\" to /etc/subuid and /etc/subgid",
				f.path, name, name, enough)
		}
		*f.ranges = all
	}
	return ""
}

// write gives the ids to a process that waits for them.
func (m *mapping) write(pid int) error {
	if m == nil {
		return nil
	}
	if len(m.uids) == 0 {
		return writeOwn(pid)
	}
	if err := runHelper("newuidmap", pid, os.Getuid(), m.uids); err != nil {
		return err
	}
	return runHelper("newgidmap", pid, os.Getgid(), m.gids)
}

func runHelper(helper string, pid, own int, ranges []sysuser.SubID) error {
	args := []string{strconv.Itoa(pid), "0", strconv.Itoa(own), "1"}
	next := int64(1)
	for _, r := range ranges {
		args = append(args, strconv.FormatInt(next, 10), strconv.FormatInt(r.SubID, 10), strconv.FormatInt(r.Count, 10))
		next += r.Count
	}
	var stderr bytes.Buffer
	cmd := exec.Command(helper, args...)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("mapping ids with %s, which must be installed setuid root or with file capabilities: %w: %s",
			helper, err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

// writeOwn maps the user's own id alone, which needs no helper.
func writeOwn(pid int) error {
	for _, f := range []struct{ name, text string }{
		{"setgroups", "deny"},
		{"uid_map", fmt.Sprintf("0 %d 1", os.Getuid())},
		{"gid_map", fmt.Sprintf("0 %d 1", os.Getgid())},
	} {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/%s", pid, f.name), []byte(f.text), 0); err != nil {
			return fmt.Errorf("mapping the user's id: %w", err)
		}
	}
	return nil
}

// mayMount reports whether this process has CAP_SYS_ADMIN.
func mayMount() bool {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}
