package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// startTimeout is how long the registry may take until it answers.
const startTimeout = 20 * time.Second

// server is a docker-registry on one port that can be emptied.
type server struct {
	addr, dir, program string
	cmd                *exec.Cmd
}

// newServer chooses the port.
func newServer(program, dir string) (*server, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer free.Close()
	return &server{addr: free.Addr().String(), dir: dir, program: program}, nil
}

// restart starts the registry again, empty.
func (s *server) restart() error {
	s.stop()
	data := filepath.Join(s.dir, "registry")
	if err := errors.Join(os.RemoveAll(data), os.MkdirAll(data, 0o755)); err != nil {
		return err
	}
	config := filepath.Join(s.dir, "registry.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"+
		"storage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n", data, s.addr)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return err
	}
	log := filepath.Join(s.dir, "registry.log")
	stderr, err := os.Create(log)
	if err != nil {
		return err
	}
	defer stderr.Close()
	s.cmd = exec.Command(s.program, "serve", config)
	s.cmd.Stderr = stderr
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get("http://" + s.addr + "/v2/")
		if err == nil {
			return resp.Body.Close()
		}
		if time.Now().After(deadline) {
			output, _ := os.ReadFile(log)
			return fmt.Errorf("the registry does not answer: %w\n%s", err, output)
		}
	}
}

func (s *server) stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}
