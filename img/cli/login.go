package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/rules-gadget/rules_gadget/img/registries"
	"github.com/rules-gadget/rules_gadget/img/rootless"
	"github.com/rules-gadget/rules_gadget/internal/registry"
)

// maxPassword bounds what --password-stdin reads, in bytes.
const maxPassword = 64 << 10

// loginCmd is "login".
type loginCmd struct {
	Server        string `arg:"" optional:"" default:"docker.io" help:"SERVER"`
	Password      string `short:"p" help:"Password"`
	PasswordStdin bool   `help:"Take the password from stdin"`
	Username      string `short:"u" help:"Username"`
}

// Run tries the credentials and stores them when they are right.
func (l *loginCmd) Run(ctx context.Context, g *Globals) error {
	user, password, err := l.credentials(g)
	if err != nil {
		return err
	}
	if password == "" {
		return usagef("the password is empty")
	}
	hosts, err := registries.New(rootless.UID(), false)
	if err != nil {
		return err
	}
	if _, err := hosts.Client().Login(ctx, l.Server, user, password); err != nil {
		return err
	}
	_, err = fmt.Fprintln(g.Out, "Login Succeeded")
	return err
}

// credentials are the flags', or read from the terminal.
func (l *loginCmd) credentials(g *Globals) (user, password string, err error) {
	switch {
	case l.PasswordStdin && l.Password != "":
		return "", "", usagef("--password and --password-stdin are mutually exclusive, use one")
	case l.PasswordStdin && l.Username == "":
		return "", "", usagef("--password-stdin needs --username")
	case l.PasswordStdin:
		data, err := io.ReadAll(io.LimitReader(g.In, maxPassword))
		if err != nil {
			return "", "", fmt.Errorf("reading the password: %w", err)
		}
		return l.Username, strings.TrimRight(string(data), "\r\n"), nil
	case l.Username != "" && l.Password != "":
		return l.Username, l.Password, nil
	}
	return l.ask(g)
}

func (l *loginCmd) ask(g *Globals) (user, password string, err error) {
	f, ok := g.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", "", usagef("stdin is not a terminal, pass --username and --password-stdin")
	}
	user, password = l.Username, l.Password
	if user == "" {
		fmt.Fprint(g.Err, "Username: ")
		line, err := bufio.NewReaderSize(f, 1).ReadString('\n')
		if err != nil {
			return "", "", fmt.Errorf("reading the user name: %w", err)
		}
		user = strings.TrimSpace(line)
	}
	if password == "" {
		fmt.Fprint(g.Err, "Password: ")
		secret, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(g.Err)
		if err != nil {
			return "", "", fmt.Errorf("reading the password: %w", err)
		}
		password = string(secret)
	}
	return user, password, nil
}

// logoutCmd is "logout".
type logoutCmd struct {
	Server string `arg:"" optional:"" default:"docker.io" help:"SERVER"`
}

// Run removes credentials.
func (l *logoutCmd) Run(ctx context.Context, g *Globals) error {
	creds, err := registry.FindCredentials("")
	if err != nil {
		return err
	}
	host, err := creds.Remove(ctx, l.Server)
	if errors.Is(err, registry.ErrNotLoggedIn) {
		return err
	}
	if err != nil {
		return fmt.Errorf("logging out: %w", err)
	}
	_, err = fmt.Fprintf(g.Out, "Removing login credentials for %s\n", host)
	return err
}
