package imagecmd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
)

// person answers the questions of a command at a terminal.
type person struct {
	t        *testing.T
	keyboard *os.File
	fd       int // of the terminal
	screen   clitest.Buffer
	g        *cli.Globals
	cancel   context.CancelFunc
}

func atTerminal(t *testing.T) *person {
	t.Helper()
	keyboard, terminal := clitest.Terminal(t, 80)
	p := &person{t: t, keyboard: keyboard, fd: int(terminal.Fd())}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	p.cancel = cancel
	p.g = &cli.Globals{Ctx: ctx, Stdin: terminal, Stdout: &p.screen, Stderr: cli.Serial(&p.screen)}
	return p
}

func (p *person) echoes() bool {
	state, err := unix.IoctlGetTermios(p.fd, unix.TCGETS)
	return err == nil && state.Lflag&unix.ECHO != 0
}

// wait waits until a question was asked n times, and the terminal does or does not
// show what is typed.
func (p *person) wait(question string, n int, echo bool) {
	for strings.Count(p.screen.String(), question) < n || p.echoes() != echo {
		if p.t.Context().Err() != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// answer types text when the question was asked n times.
func (p *person) answer(question string, n int, text string) {
	p.wait(question, n, strings.HasPrefix(question, "Username"))
	_, _ = p.keyboard.WriteString(text + "\n")
}

func TestLoginAsks(t *testing.T) {
	for _, tc := range []struct {
		name           string
		login          Login
		user, password string // that are typed
		wantUser       string
		wantErr        string
	}{
		{"both", Login{}, "alice", "s3cret", "alice", ""},
		{"user with spaces around", Login{}, "  bob ", "pw", "bob", ""},
		{"password alone", Login{Username: "carol"}, "", "x y", "carol", ""},
		{"user alone", Login{Password: "flag"}, "dave", "", "dave", ""},
		{"empty password", Login{Username: "carol"}, "", "", "", "the password is empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := atTerminal(t)
			go func() {
				if tc.login.Username == "" {
					p.answer("Username: ", 1, tc.user)
				}
				if tc.login.Password == "" {
					p.answer("Password: ", 1, tc.password)
				}
			}()
			user, password, err := tc.login.credentials(p.g)
			if tc.wantErr != "" {
				if err == nil || err.Error() != tc.wantErr {
					t.Errorf("%v, want %q", err, tc.wantErr)
				}
				return
			}
			want := tc.password
			if tc.login.Password != "" {
				want = tc.login.Password
			}
			if err != nil || user != tc.wantUser || password != want {
				t.Errorf("%q with %q, %v", user, password, err)
			}
			if strings.Contains(p.screen.String(), tc.password) && tc.password != "" {
				t.Errorf("the password is on the screen: %q", &p.screen)
			}
			if !p.echoes() {
				t.Error("the terminal no longer shows what is typed")
			}
		})
	}
}

// TestInterruptedQuestion: a signal ends a question, and the terminal is as it was.
func TestInterruptedQuestion(t *testing.T) {
	for name, login := range map[string]Login{"Username: ": {}, "Password: ": {Username: "alice"}} {
		p := atTerminal(t)
		go func() {
			p.wait(name, 1, name == "Username: ")
			p.cancel()
		}()
		if _, _, err := login.credentials(p.g); !errors.Is(err, cli.ErrInterrupted) {
			t.Errorf("%s: %v", name, err)
		}
		if !p.echoes() {
			t.Errorf("%s: the terminal no longer shows what is typed", name)
		}
		if !strings.HasSuffix(p.screen.String(), "\n") {
			t.Errorf("%s: what comes next is on the same line: %q", name, &p.screen)
		}
		_, _ = p.keyboard.WriteString("\n") // for the reader that is still there
	}
}

func TestKeygenAsks(t *testing.T) {
	if value, ok := os.LookupEnv(passwordEnv); ok {
		t.Setenv(passwordEnv, value) // puts it back
		os.Unsetenv(passwordEnv)
	}
	for again, wantErr := range map[string]string{"first": "", "second": "the passwords differ, try again"} {
		t.Run(again, func(t *testing.T) {
			p := atTerminal(t)
			name := filepath.Join(t.TempDir(), "k")
			go func() {
				p.answer("Password for the new key: ", 1, "first")
				p.answer("The same again: ", 1, again)
			}()
			err := (&Keygen{Name: name}).Run(p.g)
			if wantErr != "" {
				files, _ := filepath.Glob(name + "*")
				if err == nil || err.Error() != wantErr || len(files) > 0 {
					t.Errorf("%v, want %q; files %q", err, wantErr, files)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			go p.answer("Password of the key: ", 1, "first")
			if _, err := (&Sign{Key: name + ".key"}).privateKey(p.g); err != nil {
				t.Errorf("the key does not open with its password: %v", err)
			}
			go p.answer("Password of the key: ", 2, "wrong")
			if _, err := (&Sign{Key: name + ".key"}).privateKey(p.g); err == nil ||
				!strings.Contains(err.Error(), "the password is wrong") {
				t.Errorf("another password: %v", err)
			}
		})
	}
}
