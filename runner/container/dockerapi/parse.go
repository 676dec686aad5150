package dockerapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// sandboxLabel marks the containers that hold the namespaces of a pod, where a
// kubelet uses docker.
const (
	sandboxLabel = "io.kubernetes.docker.type"
	sandboxValue = "podsandbox"
	sandboxOf    = "io.kubernetes.sandbox.id"
)

// parseIDs reads the answer of docker's GET /containers/json.
func parseIDs(data []byte) ([]string, error) {
	var list []struct {
		ID     string `json:"Id"`
		Labels map[string]string
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("reading the list of containers: %w", err)
	}
	ids := make([]string, 0, len(list))
	for _, c := range list {
		if c.ID != "" && c.Labels[sandboxLabel] != sandboxValue {
			ids = append(ids, c.ID)
		}
	}
	return ids, nil
}

// parseContainer reads the answer of docker's GET /containers/ID/json.
func parseContainer(data []byte) (source.Info, error) {
	var c struct {
		ID    string `json:"Id"`
		Name  string
		Image string // the ID
		State struct {
			Pid       int64
			Running   bool
			StartedAt time.Time
		}
		Config struct {
			Image  string // as the user wrote it
			Labels map[string]string
		}
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return source.Info{}, fmt.Errorf("reading a container: %w", err)
	}
	pid, ok := processID(c.State.Pid)
	if !ok || !c.State.Running || c.Config.Labels[sandboxLabel] == sandboxValue {
		return source.Info{}, source.ErrGone
	}
	name, digest := splitImage(c.Config.Image)
	return source.Info{
		ID: c.ID, Name: strings.TrimPrefix(c.Name, "/"), PID: pid, StartedAt: c.State.StartedAt,
		ImageName: name, ImageDigest: digest, ImageID: c.Image,
		Labels: c.Config.Labels, SandboxID: c.Config.Labels[sandboxOf],
	}, nil
}

// parsePodman reads the answer of podman's GET /libpod/containers/json.
func parsePodman(data []byte) ([]source.Info, error) {
	var list []struct {
		ID        string `json:"Id"`
		Names     []string
		Image     string
		ImageID   string
		Pid       int64
		StartedAt int64 // seconds
		Labels    map[string]string
		IsInfra   bool
		Pod       string
		PodName   string
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("reading the list of containers: %w", err)
	}
	infos := make([]source.Info, 0, len(list))
	for _, c := range list {
		pid, ok := processID(c.Pid)
		if !ok || c.ID == "" || c.IsInfra {
			continue
		}
		name, digest := splitImage(c.Image)
		info := source.Info{
			ID: c.ID, PID: pid, StartedAt: time.Unix(c.StartedAt, 0), Labels: c.Labels,
			ImageName: name, ImageDigest: digest, ImageID: source.ImageID(c.ImageID), SandboxID: c.Pod, PodName: c.PodName,
		}
		if len(c.Names) > 0 {
			info.Name = c.Names[0]
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// parseImage reads the digest out of the answer of GET /images/ID/json. Images
// that never were in a registry have none.
func parseImage(data []byte) (string, error) {
	var image struct{ RepoDigests []string }
	if err := json.Unmarshal(data, &image); err != nil {
		return "", fmt.Errorf("reading an image: %w", err)
	}
	for _, d := range image.RepoDigests {
		if _, digest := splitImage(d); digest != "" {
			return digest, nil
		}
	}
	return "", nil
}

// parseEvent returns the ID of the container that a line of the stream of
// events is about, "" for other events.
func parseEvent(line []byte) (string, error) {
	var event struct {
		Type  string
		Actor struct{ ID string }
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return "", fmt.Errorf("reading an event: %w", err)
	}
	if event.Type != "container" {
		return "", nil
	}
	return event.Actor.ID, nil
}

// processID returns a number of JSON as what the kernel calls a PID.
func processID(n int64) (uint32, bool) {
	const most = 1 << 22 // PID_MAX_LIMIT
	return uint32(n), n > 0 && n <= most
}

// splitImage parts name@digest.
func splitImage(image string) (name, digest string) {
	name, digest, _ = strings.Cut(image, "@")
	return name, digest
}
