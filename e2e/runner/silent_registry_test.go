package runner_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestSilentRegistry gives up on a registry that accepts connections and sends
// nothing: by --timeout and by --pull-timeout.
func TestSilentRegistry(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
		}
	}()
	ref := l.Addr().String() + "/acme/gadget:v1"
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"timeout":           {[]string{"run", ref, "--timeout", "1s"}, "it did not arrive within the --timeout of 1s"},
		"pull timeout":      {[]string{"run", ref, "--pull-timeout", "1s"}, "did not answer in time"},
		"pull of the store": {[]string{"image", "pull", ref, "--pull-timeout", "1s"}, "did not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("gadget-run", c.args...)
			cmd.Env = append(os.Environ(), "GADGET_RUN_STATE="+t.TempDir(), "HOST_ROOT="+t.TempDir())
			start := time.Now()
			out, err := cmd.CombinedOutput()
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
