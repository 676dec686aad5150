package imagecmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// maxPassword bounds what --password-stdin reads, in bytes.
const maxPassword = 64 << 10

// Login is "login".
type Login struct {
	Registry      string   `arg:"" optional:"" default:"docker.io" help:"Registry, as host[:port] (default: docker.io)."`
	Username      string   `short:"u" aliases:"user" placeholder:"NAME" help:"User name."`
	Password      string   `short:"p" placeholder:"TEXT" help:"Password; others may see it in the process list."`
	PasswordStdin bool     `help:"Read the password from stdin."`
	GetLogin      bool     `help:"Print the user that is logged in, and do nothing."`
	Authfile      cli.File `placeholder:"FILE" help:"Credentials file (default: REGISTRY_AUTH_FILE, then ig's, or podman's)."`
	CertDir       cli.File `placeholder:"DIR" help:"Directory of *.crt to trust, and of *.cert with *.key to show."`
	CAFile        cli.File `name:"ca-file" placeholder:"FILE" help:"PEM certificates to trust in addition to the system's."`
	TLSVerify     bool     `name:"tls-verify" default:"true" negatable:"" help:"Verify certificates and refuse plain HTTP."`
	PlainHTTP     bool     `name:"plain-http" help:"Send the credentials over plain HTTP."`
}

// Run tries the credentials and stores them when they are right.
func (l *Login) Run(g *cli.Globals) error {
	client, err := registry.New(registry.Options{
		Insecure: !l.TLSVerify, PlainHTTP: l.PlainHTTP, AuthFile: string(l.Authfile),
		CAFile: string(l.CAFile), CertDir: string(l.CertDir), Log: g.Log,
	})
	if err != nil {
		return err
	}
	if l.GetLogin {
		user, err := client.LoggedIn(g.Ctx, l.Registry)
		if err != nil {
			return err
		}
		return show.Line(g.Stdout, "%s", user)
	}
	user, password, err := l.credentials(g)
	if err != nil {
		return err
	}
	file, err := client.Login(g.Ctx, l.Registry, user, password)
	if err != nil {
		return err
	}
	if g.Verbose {
		g.Say("Credentials stored in %s", file)
	}
	return show.Line(g.Stdout, "Login Succeeded!")
}

// credentials are the flags', or read from the terminal.
func (l *Login) credentials(g *cli.Globals) (user, password string, err error) {
	if l.PasswordStdin && l.Password != "" {
		return "", "", cli.Usage(errors.New("--password and --password-stdin are mutually exclusive, use one"))
	}
	if l.PasswordStdin {
		if l.Username == "" {
			return "", "", cli.Usage(errors.New("--password-stdin needs --username"))
		}
		data, err := io.ReadAll(io.LimitReader(action.UntilDone(g.Ctx, g.Stdin), maxPassword))
		if err != nil {
			return "", "", fmt.Errorf("reading the password: %w", err)
		}
		password = strings.TrimRight(string(data), "\r\n")
		return l.Username, password, emptyPassword(password)
	}
	if user = l.Username; user == "" {
		if user, err = ask(g, "Username: "); err != nil {
			return "", "", err
		}
	}
	if password = l.Password; password == "" {
		if password, err = askSecret(g, "Password: "); err != nil {
			return "", "", err
		}
	}
	return user, password, emptyPassword(password)
}

func emptyPassword(s string) error {
	if s == "" {
		return errors.New("the password is empty")
	}
	return nil
}

// terminal returns stdin when a person is at it.
func terminal(g *cli.Globals) (*os.File, error) {
	if f, ok := g.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f, nil
	}
	return nil, cli.Usage(errors.New("stdin is not a terminal, pass --username and --password-stdin"))
}

func ask(g *cli.Globals, prompt string) (string, error) {
	f, err := terminal(g)
	if err != nil {
		return "", err
	}
	line, err := answer(g, prompt, func() (string, error) { return bufio.NewReaderSize(f, 1).ReadString('\n') })
	if errors.Is(err, cli.ErrInterrupted) {
		fmt.Fprintln(g.Stderr)
		return "", err
	}
	if err != nil {
		return "", fmt.Errorf("reading the user name: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// askSecret reads a line without showing it. The terminal is put back when a
// signal ends the command meanwhile.
func askSecret(g *cli.Globals, prompt string) (string, error) {
	f, err := terminal(g)
	if err != nil {
		return "", err
	}
	state, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", err
	}
	line, err := answer(g, prompt, func() (string, error) {
		text, err := term.ReadPassword(int(f.Fd()))
		return string(text), err
	})
	fmt.Fprintln(g.Stderr)
	if errors.Is(err, cli.ErrInterrupted) {
		_ = term.Restore(int(f.Fd()), state)
		return "", err
	}
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return line, nil
}

// answer prompts and waits for read, which a signal does not end, or for the
// end of the command.
func answer(g *cli.Globals, prompt string, read func() (string, error)) (string, error) {
	fmt.Fprint(g.Stderr, prompt)
	type line struct {
		text string
		err  error
	}
	got := make(chan line, 1)
	go func() {
		text, err := read()
		got <- line{text, err}
	}()
	select {
	case l := <-got:
		return l.text, l.err
	case <-g.Ctx.Done():
		return "", cli.ErrInterrupted
	}
}

// Logout is "logout".
type Logout struct {
	Registry string   `arg:"" optional:"" help:"Registry, as host[:port]."`
	All      bool     `short:"a" help:"Remove the credentials of all registries from the file."`
	Authfile cli.File `placeholder:"FILE" help:"Credentials file (default: REGISTRY_AUTH_FILE, then where the credentials are)."`
}

// Run removes credentials.
func (l *Logout) Run(g *cli.Globals) error {
	creds, err := registry.FindCredentials(string(l.Authfile))
	if err != nil {
		return err
	}
	switch {
	case l.All && l.Registry != "":
		return cli.Usage(errors.New("--all and a registry are mutually exclusive, use one"))
	case l.All:
		if err := creds.RemoveAll(g.Ctx); err != nil {
			return err
		}
		return show.Line(g.Stdout, "Removed login credentials for all registries")
	case l.Registry == "":
		return cli.Usage(errors.New("no registry, name one or pass --all"))
	}
	name, err := creds.Remove(g.Ctx, l.Registry)
	if err != nil {
		return err
	}
	return show.Line(g.Stdout, "Removed login credentials for %s", name)
}
