package clients

import (
	"os"
	"strings"
	"testing"
)

// closedSites are the registries that want credentials, without a user being
// logged in.
func (l *lab) closedSites(t *testing.T) []*site {
	t.Helper()
	var closed []*site
	for _, s := range l.sites(t) {
		if s.closed {
			closed = append(closed, s)
		}
	}
	l.logout(t)
	return closed
}

func (l *lab) logout(t *testing.T) {
	t.Helper()
	l.write(t, "docker/config.json", "{}")
}

// logins are how the others log in.
func logins(s *site, password string) map[string][]string {
	flags := []string{"--username", user, "--password", password}
	return map[string][]string{
		crane:   words("auth", "login", s.addr, flags),
		skopeo:  words("login", s.addr, flags),
		oras:    words("login", s.addr, flags),
		cosign2: words("login", s.addr, flags),
		cosign3: words("login", s.addr, flags),
	}
}

// What the others store when they log in, gadget-run uses. That they read what
// gadget-run stores every other test shows.
func TestLoginsOfOthers(t *testing.T) {
	l := newLab(t)
	for _, s := range l.closedSites(t) {
		for program, command := range logins(s, password) {
			t.Run(s.name+" "+strings.ToLower(program), func(t *testing.T) {
				t.Cleanup(func() { l.logout(t) })
				ref := l.name(s, "login") + ":v1"
				l.ours(t, "image", "load", "--tag", ref, l.layout)
				if out, err := l.tryOurs("image", "push", ref); err == nil || !strings.Contains(err.Error(), "gadget-run login "+
					s.addr) {
					t.Fatalf("a push without credentials: %v: %s", err, out)
				}
				l.run(t, program, command...)
				l.ours(t, "image", "push", ref)
				l.readable(t, ref)
				if got := strings.TrimSpace(l.run(t, gadgetRun, "login", "--get-login", s.addr)); got != user {
					t.Errorf("login --get-login prints %q, want %s", got, user)
				}
				l.run(t, gadgetRun, "logout", s.addr)
				if data, err := os.ReadFile(l.authFile()); err != nil || strings.Contains(string(data), s.addr) {
					t.Errorf("after logout: %s, %v", data, err)
				}
			})
		}
	}
}

func TestWrongPassword(t *testing.T) {
	l := newLab(t)
	for _, s := range l.closedSites(t) {
		t.Run(s.name, func(t *testing.T) {
			before, err := os.ReadFile(l.authFile())
			if err != nil {
				t.Fatal(err)
			}
			out, err := l.tryOurs("login", "--username", user, "--password", "wrong", s.addr)
			if err == nil || !strings.Contains(err.Error(), "wrong user name or password") {
				t.Errorf("login: %v: %s", err, out)
			}
			if after, err := os.ReadFile(l.authFile()); err != nil || string(after) != string(before) {
				t.Errorf("the credentials file is now %s, %v", after, err)
			}
			// A password that has become wrong: the error names its file.
			l.ours(t, "login", "--username", user, "--password", password, s.addr)
			l.write(t, "docker/config.json", `{"auths":{"`+s.addr+`":{"username":"`+user+`","password":"stale"}}}`)
			ref := l.name(s, "stale") + ":v1"
			l.ours(t, "image", "load", "--tag", ref, l.layout)
			if out, err := l.tryOurs("image", "push", ref); err == nil || !strings.Contains(err.Error(), l.authFile()) {
				t.Errorf("a push with a stale password: %v: %s", err, out)
			}
			l.logout(t)
		})
	}
}
