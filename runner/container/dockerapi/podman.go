package dockerapi

import (
	"context"
	"net/url"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// libpod is podman's own API. Its list, unlike docker's, has the process IDs,
// and reports which containers belong to a pod and which only hold it together.
const libpod = "/v4.0.0/libpod"

// podman is the source of podman's API.
type podman struct {
	api
	digests digests
}

// NewPodman returns the containers of the podman service at socket.
func NewPodman(socket string) source.Source {
	a := newAPI(socket)
	return &podman{api: a, digests: digests{api: a}}
}

// List implements source.Source.
func (p *podman) List(ctx context.Context) ([]source.Info, error) { return p.list(ctx, url.Values{}) }

// Inspect implements source.Source.
func (p *podman) Inspect(ctx context.Context, id string) (source.Info, error) {
	infos, err := p.list(ctx, url.Values{"filters": {filters(map[string][]string{"id": {id}})}})
	if err != nil {
		return source.Info{}, err
	}
	for _, info := range infos {
		if info.ID == id {
			return info, nil
		}
	}
	return source.Info{}, source.ErrGone
}

func (p *podman) list(ctx context.Context, query url.Values) ([]source.Info, error) {
	query.Set("all", "true") // a container that was made and has not started has a process
	data, err := p.get(ctx, libpod+"/containers/json", query)
	if err != nil {
		return nil, err
	}
	infos, err := parsePodman(data)
	if err != nil {
		return nil, err
	}
	for i := range infos {
		p.digests.fill(ctx, &infos[i])
	}
	return infos, nil
}

// Events implements source.Source. At "init" the container has its namespaces,
// and its program has not begun.
func (p *podman) Events(ctx context.Context, ready func(), changed func(id string)) error {
	return p.events(ctx, eventStream(libpod+"/events", "init", "start", "died", "remove"), ready, changed)
}
