package imgtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// dockerStart bounds how long dockerd takes to listen, on a loaded machine.
const dockerStart = 2 * time.Minute

// startDocker starts Debian's dockerd with all its files below dir, for the plain
// user as well. It returns the value of DOCKER_HOST, empty where no dockerd is
// installed, and what stops it.
func startDocker(dir string) (host string, stop func(), err error) {
	program, err := exec.LookPath("dockerd")
	if err != nil {
		return "", func() {}, nil
	}
	socket := filepath.Join(dir, "docker.sock")
	log, err := os.Create(filepath.Join(dir, "docker.log"))
	if err != nil {
		return "", nil, err
	}
	defer log.Close()
	cmd := exec.Command(program, "--host=unix://"+socket, "--data-root="+filepath.Join(dir, "docker"), "--exec-root="+
		filepath.Join(dir, "docker-run"),
		"--pidfile="+filepath.Join(dir, "docker.pid"), "--storage-driver=vfs", "--bridge=none", "--iptables=false",
		"--ip6tables=false")
	cmd.Stdout, cmd.Stderr = log, log
	// What it mounts ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Unshareflags: syscall.CLONE_NEWNS}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	}
	for deadline := time.Now().Add(dockerStart); ; time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			return "unix://" + socket, stop, os.Chmod(socket, 0o666)
		}
		select {
		case <-ended:
		default:
			if time.Now().Before(deadline) {
				continue
			}
			stop()
		}
		text, _ := os.ReadFile(log.Name())
		return "", nil, fmt.Errorf("dockerd does not listen on %s:\n%s", socket, text)
	}
}
