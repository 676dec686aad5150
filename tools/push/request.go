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

// requestEnv names the request file, as a path in the runfiles; requestsEnv the list of
// those of many gadgets.
const (
	requestEnv  = "GADGET_PUSH_REQUEST"
	requestsEnv = "GADGET_PUSH_REQUESTS"
)

// request is the JSON that a gadget_push target writes. Its paths are paths
// in the runfiles; loadRequest makes them paths of files.
type request struct {
	// Name is the gadget's, below the prefix of --repository-prefix.
	Name         string   `json:"name"`
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

// loadRequests reads all requests, lets the flags override them, and fills in the
// workspace status.
func loadRequests(f flags) ([]request, error) {
	paths, err := requestPaths(f)
	if err != nil {
		return nil, err
	}
	if len(paths) > 1 && len(f.Repository) > 0 {
		return nil, usageError{fmt.Errorf("--repository=%s is for one gadget and the target has %d, "+
			"pass --repository-prefix=REGISTRY/PATH", f.Repository[0], len(paths))}
	}
	var all []request
	for _, path := range paths {
		r, err := loadRequest(path, f)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func loadRequest(path string, f flags) (request, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return request{}, fmt.Errorf("reading request: %w", err)
	}
	r, err := parseRequest(data)
	if err != nil {
		return request{}, fmt.Errorf("reading request %q: %w", path, err)
	}
	if err := r.override(f); err != nil {
		return r, err
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

// override lets the command line replace what the target specifies.
func (r *request) override(f flags) error {
	switch {
	case len(f.Repository) > 0:
		r.Repositories = f.Repository
	case len(f.RepositoryPrefix) > 0:
		if r.Name == "" {
			return usageError{errors.New("--repository-prefix needs the name of the gadget, which the request lacks; " +
				"pass --repository=REGISTRY/NAME")}
		}
		r.Repositories = nil
		for _, prefix := range f.RepositoryPrefix {
			r.Repositories = append(r.Repositories, strings.TrimRight(prefix, "/")+"/"+r.Name)
		}
	}
	if len(f.Tag) > 0 {
		r.Tags = f.Tag
	}
	if len(r.Repositories) == 0 {
		gadget := ""
		if r.Name != "" {
			gadget = fmt.Sprintf(" gadget %q", r.Name)
		}
		return usageError{fmt.Errorf("no repository to push%s to, pass --repository=REGISTRY/NAME, "+
			"or --repository-prefix=REGISTRY/PATH, or set the repository in the BUILD file", gadget)}
	}
	return nil
}

// requestPaths returns the files of the requests.
func requestPaths(f flags) ([]string, error) {
	if f.Request != "" {
		return []string{userPath(f.Request)}, nil
	}
	name := os.Getenv(requestsEnv)
	if name == "" {
		name = os.Getenv(requestEnv)
		if name == "" {
			return nil, usageError{errors.New("no request, start this with \"bazel run\" of a push target or " +
				"pass --request=FILE")}
		}
		path, err := find(name)
		return []string{path}, err
	}
	list, err := find(name)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(list)
	if err != nil {
		return nil, fmt.Errorf("reading the list of requests: %w", err)
	}
	var paths []string
	if err := json.Unmarshal(data, &paths); err != nil {
		return nil, fmt.Errorf("reading the list of requests %q: %w", list, err)
	}
	for i := range paths {
		if paths[i], err = find(paths[i]); err != nil {
			return nil, err
		}
	}
	return paths, nil
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
