package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

// errNoCredentials is a helper's answer that it knows nothing of a host.
var errNoCredentials = errors.New("no credentials")

// helperName keeps the name of a helper from leaving the directories of PATH.
var helperName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// tokenUser is the user name with which helpers mark an identity token.
const tokenUser = "<token>"

// helperCredentials is the JSON of the credential helper protocol.
type helperCredentials struct {
	ServerURL string
	Username  string
	Secret    string
}

func runHelperGet(ctx context.Context, helper, server string) (authn.AuthConfig, error) {
	out, err := runHelper(ctx, helper, "get", []byte(server))
	if err != nil {
		return authn.AuthConfig{}, err
	}
	c, err := parseHelper(out)
	if err != nil && !errors.Is(err, errNoCredentials) {
		err = fmt.Errorf("credential helper %q answered no JSON: %w", helper, err)
	}
	return c, err
}

// parseHelper reads the answer of a credential helper.
func parseHelper(out []byte) (authn.AuthConfig, error) {
	var c helperCredentials
	if err := json.Unmarshal(out, &c); err != nil {
		return authn.AuthConfig{}, err
	}
	switch {
	case c.Secret == "" && (c.Username == "" || c.Username == tokenUser):
		return authn.AuthConfig{}, errNoCredentials
	case c.Username == tokenUser:
		return authn.AuthConfig{IdentityToken: c.Secret}, nil
	}
	return authn.AuthConfig{Username: c.Username, Password: c.Secret}, nil
}

func runHelperStore(ctx context.Context, helper string, c helperCredentials) error {
	in, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = runHelper(ctx, helper, "store", in)
	return err
}

func runHelperErase(ctx context.Context, helper, server string) error {
	_, err := runHelper(ctx, helper, "erase", []byte(server))
	if errors.Is(err, errNoCredentials) {
		return nil
	}
	return err
}

// maxHelperAnswer is the most that is read of what a credential helper says.
const maxHelperAnswer = 1 << 20

// helperWait is how long the pipes of a helper that has ended are read.
const helperWait = time.Second

// errHelperAnswer ends a helper that does not stop writing.
var errHelperAnswer = fmt.Errorf("it answered more than %d bytes", maxHelperAnswer)

// shortText keeps what is written to it, up to a limit, where it calls full.
type shortText struct {
	text bytes.Buffer
	full context.CancelCauseFunc
}

// Write implements io.Writer.
func (t *shortText) Write(p []byte) (int, error) {
	if t.text.Len()+len(p) > maxHelperAnswer {
		t.full(errHelperAnswer)
		return 0, errHelperAnswer
	}
	return t.text.Write(p)
}

// runHelper runs docker-credential-<helper> with an action and its input.
func runHelper(ctx context.Context, helper, action string, in []byte) ([]byte, error) {
	if !helperName.MatchString(helper) {
		return nil, fmt.Errorf("credential helper %q has no valid name", helper)
	}
	name := "docker-credential-" + helper
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stdout, stderr := shortText{full: cancel}, shortText{full: cancel}
	cmd := exec.CommandContext(ctx, name, action)
	// Its children may hold the pipes: they end with it, and the wait is short.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = helperWait
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &stdout, &stderr
	err := cmd.Run()
	if cause := context.Cause(ctx); cause != nil {
		return nil, fmt.Errorf("running credential helper %q: %w", name, cause)
	}
	switch answer := strings.TrimSpace(stdout.text.String()); {
	case err == nil:
		return stdout.text.Bytes(), nil
	case strings.Contains(answer, "credentials not found"):
		return nil, errNoCredentials
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("credential helper %q is not in PATH, install it or remove it from the credentials file", name)
	default:
		return nil, fmt.Errorf("running credential helper %q: %w: %s", name, err,
			strings.TrimSpace(answer+" "+stderr.text.String()))
	}
}
