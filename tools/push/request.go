package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// requestEnv names the request file, as a path in the runfiles.
const requestEnv = "GADGET_PUSH_REQUEST"

// request is the JSON that a gadget_push target writes. Its paths are paths
// in the runfiles; loadRequest makes them paths of files.
type request struct {
	Layout       string   `json:"layout"`
	Repository   string   `json:"repository"`
	Repositories []string `json:"repositories"`
	Tags         []string `json:"tags"`
	// Attestations are attached to the artifact as referrers.
	Attestations []attestation `json:"attestations"`
	// StatusFile is Bazel's stable-status.txt, for {STABLE_...} in the above.
	StatusFile string `json:"status_file"`
}

// attestation is a file that says something about the artifact.
type attestation struct {
	MediaType string `json:"media_type"`
	Path      string `json:"path"`
}

// loadRequest reads the request, lets the flags override it, and fills in
// the workspace status.
func loadRequest(f flags) (request, error) {
	path, err := requestPath(f)
	if err != nil {
		return request{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return request{}, fmt.Errorf("reading request: %w", err)
	}
	r, err := parseRequest(data)
	if err != nil {
		return request{}, fmt.Errorf("reading request %q: %w", path, err)
	}
	if len(f.Repository) > 0 {
		r.Repositories = f.Repository
	}
	if len(f.Tag) > 0 {
		r.Tags = f.Tag
	}
	if len(r.Repositories) == 0 {
		return r, usageError{errors.New("no repository to push to, pass --repository=REGISTRY/NAME or set the repository " +
			"in the BUILD file")}
	}
	if r.Layout, err = find(r.Layout); err != nil {
		return r, err
	}
	for i, a := range r.Attestations {
		if r.Attestations[i].Path, err = find(a.Path); err != nil {
			return r, err
		}
	}
	err = r.stamp()
	return r, err
}

func requestPath(f flags) (string, error) {
	if f.Request != "" {
		return userPath(f.Request), nil
	}
	name := os.Getenv(requestEnv)
	if name == "" {
		return "", usageError{fmt.Errorf("no request, start this with \"bazel run\" of a push target or pass --request=FILE")}
	}
	return find(name)
}

func parseRequest(data []byte) (request, error) {
	var r request
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, err
	}
	if r.Layout == "" {
		return r, errors.New("member \"layout\" is missing")
	}
	if r.Repository != "" {
		r.Repositories = append(r.Repositories, r.Repository)
		r.Repository = ""
	}
	return r, nil
}

var stampPattern = regexp.MustCompile(`\{([A-Za-z0-9_]+)\}`)

// stamp replaces {KEY} in tags and repositories with the workspace status.
func (r *request) stamp() error {
	if !r.stamped() {
		return nil
	}
	status, err := r.status()
	if err != nil {
		return err
	}
	for _, list := range [][]string{r.Tags, r.Repositories} {
		for i, text := range list {
			if list[i], err = fill(text, status); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *request) stamped() bool {
	for _, list := range [][]string{r.Tags, r.Repositories} {
		for _, text := range list {
			if stampPattern.MatchString(text) {
				return true
			}
		}
	}
	return false
}

func (r *request) status() (map[string]string, error) {
	if r.StatusFile == "" {
		return map[string]string{}, nil
	}
	path, err := find(r.StatusFile)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading workspace status: %w", err)
	}
	return parseStatus(string(data)), nil
}

// parseStatus reads Bazel's status file: a key and a value on each line.
func parseStatus(text string) map[string]string {
	status := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), " "); ok {
			status[key] = value
		}
	}
	return status
}

func fill(text string, status map[string]string) (string, error) {
	var missing error
	out := stampPattern.ReplaceAllStringFunc(text, func(m string) string {
		value, ok := status[m[1:len(m)-1]]
		if !ok || value == "" {
			missing = fmt.Errorf("%q: the workspace status has no %s, print it in the --workspace_status_command", text, m)
		}
		return value
	})
	return out, missing
}
