package app

import (
	"strings"
	"testing"
)

func TestForeignFlagsBeforeCommand(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"run x -t 1":                     "run x -t 1",
		"-v run x":                       "-v run x",
		"image list":                     "image list",
		"--nothing x":                    "--nothing x",
		"--auto-mount-filesystems run x": "run --auto-mount-filesystems x",
		"-v --pprof-addr a:1 --state d run x --trace-pipe":    "-v --state d run --pprof-addr=a:1 x --trace-pipe",
		"--auto-mount-filesystems=false --config=c run x -v":  "run --auto-mount-filesystems=false --config=c x -v",
		"--auto-mount-filesystems image list":                 "--auto-mount-filesystems image list",
		"image build --trace-pipe run":                        "image build --trace-pipe run",
		"list-containers --runtime-protocol cri run --detach": "list-containers --runtime-protocol cri run --detach",
	} {
		if got := strings.Join(withForeign(strings.Fields(in)), " "); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
