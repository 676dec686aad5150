package dockerapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// serve answers on a unix socket, as no well-behaved runtime would.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "api") // paths of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return socket
}

// flood writes more than any client reads.
func flood(w io.Writer) {
	chunk := []byte(strings.Repeat(" ", 1<<20))
	for range source.MaxAnswer>>20 + 8 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func TestBadAnswers(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		answer     http.HandlerFunc
	}{
		{"too long", "the answer is longer than 67108864 bytes", func(w http.ResponseWriter, _ *http.Request) { flood(w) }},
		{"an error", `answer 500 Internal Server Error: "out of order"`, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "out of order", http.StatusInternalServerError)
		}},
		{"a long error", "answer 500", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			flood(w)
		}},
		{"no JSON", "reading the list of containers", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "<html>")
		}},
		{"another place", "answer 302 Found", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			socket := serve(t, tc.answer)
			for name, src := range map[string]source.Source{"docker": NewDocker(socket), "podman": NewPodman(socket)} {
				_, err := src.List(context.Background())
				if err == nil || !strings.Contains(err.Error(), tc.want) || len(err.Error()) > 2*maxMessage {
					t.Errorf("%s: got %.200v, want %s", name, err, tc.want)
				}
				src.Close()
			}
		})
	}
}

// TestBrokenContainer lists the others.
func TestBrokenContainer(t *testing.T) {
	src := NewDocker(serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/containers/json":
			fmt.Fprint(w, `[{"Id":"good"},{"Id":"broken"}]`)
		case "/containers/good/json":
			fmt.Fprint(w, `{"Id":"good","State":{"Pid":1,"Running":true}}`)
		default:
			http.Error(w, "driver failed", http.StatusInternalServerError)
		}
	}))
	defer src.Close()
	infos, err := src.List(context.Background())
	if err != nil || len(infos) != 1 || infos[0].ID != "good" {
		t.Errorf("got %+v (%v)", infos, err)
	}
}

func TestBadEvents(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		answer     http.HandlerFunc
	}{
		{"a line too long", "token too long", func(w http.ResponseWriter, _ *http.Request) { flood(w) }},
		{"no JSON", "reading an event", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") }},
		{"the end", "unexpected EOF", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintln(w, `{"Type":"container","Actor":{"ID":"aa"}}`)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := NewDocker(serve(t, tc.answer))
			defer src.Close()
			ready, seen := 0, ""
			err := src.Events(context.Background(), func() { ready++ }, func(id string) { seen += id })
			if err == nil || !strings.Contains(err.Error(), tc.want) || ready != 1 {
				t.Errorf("got %.200v after %d beginnings, want %s", err, ready, tc.want)
			}
			if (seen == "aa") != (tc.name == "the end") {
				t.Errorf("saw %q", seen)
			}
		})
	}
}
