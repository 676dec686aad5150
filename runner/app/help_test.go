package app

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// helpWidth is that of the narrowest terminal that help is written for.
const helpWidth = 80

func TestHelpOfEveryCommand(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	model, err := Model()
	if err != nil {
		t.Fatal(err)
	}
	err = kong.Visit(model, func(v kong.Visitable, next kong.Next) error {
		n, ok := v.(*kong.Node)
		if !ok || n.Hidden {
			return next(nil)
		}
		name := strings.Join(words(n), " ")
		t.Run("help "+name, func(t *testing.T) {
			out := help(t, words(n))
			for line := range strings.Lines(out) {
				if len(line) > helpWidth+1 {
					t.Errorf("wider than %d columns: %s", helpWidth, line)
				}
			}
			if n.Type == kong.CommandNode && len(n.Children) == 0 && !strings.Contains(out, "\nExamples:\n\n    ") {
				t.Errorf("no examples in\n%s", out)
			}
			if end := out[strings.Index(out, groups[0].Title):]; strings.Count(strings.TrimRight(end, "\n"), "\n\n") > 1 ||
				!strings.Contains(end, "--help") {
				t.Errorf("the global flags are not the last ones:\n%s", out)
			}
		})
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func help(t *testing.T, command []string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if err := Run(context.Background(), append(command, "--help"), nil, &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	if stderr.Len() > 0 {
		t.Errorf("help on stderr: %s", &stderr)
	}
	return stdout.String()
}

func TestUsageErrors(t *testing.T) {
	for args, want := range map[string]string{
		"pull x":                          `unknown command pull, did you mean "gadget-run image pull"?`,
		"ls":                              `unknown command ls, did you mean "gadget-run image list"?`,
		"images":                          `unknown command images, did you mean "gadget-run image list"?`,
		"rmi x":                           `unknown command rmi, did you mean "gadget-run image rm"?`,
		"hlep":                            `unknown command hlep, did you mean "gadget-run help"?`,
		"nothing":                         "unknown command nothing, see gadget-run --help",
		"image lis":                       `unknown command lis, did you mean "list"?`,
		"image nothing":                   "unknown command nothing, see gadget-run image --help",
		"image list --foo":                "unknown flag --foo, see gadget-run image list --help",
		"image pull --plain-http x":       "unknown flag --plain-http, did you mean --insecure?",
		"image pull --tls-verify=false x": "unknown flag --tls-verify, did you mean --insecure?",
		"image list --format json":        "unknown flag --format, did you mean --output?",
		"image sign --kye=x":              "unknown flag --kye, did you mean --key?",
		"login --insecure":                "unknown flag --insecure, did you mean --tls-verify=false?",
		"lock --verify=false list":        "unknown flag --verify, did you mean --verify-image?",
		"--stat=x image list":             "unknown flag --stat, did you mean --state?",
		"-x image list":                   "unknown flag -x, see gadget-run --help",
		"image":                           `missing command, one of "build", "pull", "push", "copy", "save", ..., see gadget-run image --help`,
		"image tag a":                     `missing argument <dst>, see gadget-run image tag --help`,
		"image build /none":               `<path>: "/none" does not exist, see gadget-run image build --help`,
	} {
		err := Run(context.Background(), strings.Fields(args), nil, &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || err.Error() != want || cli.ExitCode(err) != cli.ExitUsage {
			t.Errorf("%s: got %v (exit %d), want %s", args, err, cli.ExitCode(err), want)
		}
	}
}

func TestInterruptedCommands(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	t.Setenv("GADGET_RUN_STATE", t.TempDir())
	t.Setenv("GADGET_RUN_REGISTRIES", "/dev/null")
	for _, args := range []string{
		"image pull 127.0.0.1:1/x", "image inspect --remote 127.0.0.1:1/x",
		"image copy 127.0.0.1:1/x 127.0.0.1:1/y",
	} {
		if err := Run(ctx, strings.Fields(args), nil, &bytes.Buffer{},
			&bytes.Buffer{}); cli.ExitCode(err) != cli.ExitInterrupted {
			t.Errorf("%s: got %v, want the exit code %d", args, err, cli.ExitInterrupted)
		}
	}
}
