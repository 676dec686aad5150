package metrics

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// contentType is that of the text format of Prometheus.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// The limits of a request, which has nothing but a short head.
const (
	requestTimeout = 10 * time.Second
	maxHead        = 16 << 10
)

// Server answers requests for the metrics of a registry.
type Server struct {
	listener net.Listener
	server   *http.Server
}

// Serve answers at address, "127.0.0.1:2224", below /metrics.
func (r *Registry) Serve(address string) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serving metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(r.Append(nil)) // the other side sees what is missing
	})
	s := &Server{listener, &http.Server{
		Handler: mux, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout, MaxHeaderBytes: maxHead,
	}}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// URL returns where the metrics are.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/metrics" }

// Close ends the server and its requests.
func (s *Server) Close() { _ = s.server.Close() }
