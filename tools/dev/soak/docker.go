package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// dockerRuntime answers as docker does, as far as gadget-run uses it.
type dockerRuntime struct {
	server *http.Server
	mu     sync.Mutex
	alive  map[string]container
	follow map[chan event]bool
}

// container is one that runs.
type container struct {
	id, name string
	pid      int
	started  time.Time
}

// event is a line of docker's stream.
type event struct {
	Type, Action string
	Actor        struct{ ID string }
}

// maxWaiting is how many events wait for a follower that is slow. One that is
// slower is cut off, as docker does it, and lists again.
const maxWaiting = 1024

func startRuntime(socket string) (*dockerRuntime, error) {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	r := &dockerRuntime{alive: map[string]container{}, follow: map[chan event]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containers/json", r.list)
	mux.HandleFunc("GET /containers/{id}/json", r.inspect)
	mux.HandleFunc("GET /images/{id}/json", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]any{}) })
	mux.HandleFunc("GET /events", r.events)
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(l) }()
	return r, nil
}

func (r *dockerRuntime) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := r.server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		_ = r.server.Close()
	}
}

func (r *dockerRuntime) add(c container) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alive[c.id] = c
	r.notify("start", c.id)
}

func (r *dockerRuntime) remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.alive, id)
	r.notify("die", id)
}

// notify is called with the lock held.
func (r *dockerRuntime) notify(action, id string) {
	e := event{Type: "container", Action: action}
	e.Actor.ID = id
	for follower := range r.follow {
		select {
		case follower <- e:
		default:
			delete(r.follow, follower)
			close(follower)
		}
	}
}

func (r *dockerRuntime) list(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []map[string]string{}
	for id := range r.alive {
		all = append(all, map[string]string{"Id": id})
	}
	answer(w, all)
}

func (r *dockerRuntime) inspect(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	c, ok := r.alive[req.PathValue("id")]
	r.mu.Unlock()
	if !ok {
		http.Error(w, "No such container", http.StatusNotFound)
		return
	}
	answer(w, map[string]any{
		"Id": c.id, "Name": "/" + c.name, "Image": "sha256:1",
		"State":  map[string]any{"Pid": c.pid, "Running": true, "StartedAt": c.started},
		"Config": map[string]any{"Image": "soak:v1", "Labels": map[string]string{"app": c.name}},
	})
}

func (r *dockerRuntime) events(w http.ResponseWriter, req *http.Request) {
	follower := make(chan event, maxWaiting)
	r.mu.Lock()
	r.follow[follower] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.follow, follower)
	}()
	control := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	for _ = control.Flush(); ; _ = control.Flush() {
		select {
		case <-req.Context().Done():
			return
		case e, ok := <-follower:
			if !ok || json.NewEncoder(w).Encode(e) != nil {
				return
			}
		}
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // who hung up needs no answer
}
