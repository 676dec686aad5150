package dockerapi

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/runner/container/source"
)

// atOnce is how many containers are queried at the same time.
const atOnce = 8

// replay is how far back a stream of events begins, so that nothing is missed
// while it is opened.
const replay = 2 * time.Second

// docker is the source of docker's own API.
type docker struct {
	api
	digests digests
}

// NewDocker returns the containers of the docker daemon at socket.
func NewDocker(socket string) source.Source {
	a := newAPI(socket)
	return &docker{api: a, digests: digests{api: a}}
}

// List implements source.Source.
func (d *docker) List(ctx context.Context) ([]source.Info, error) {
	data, err := d.get(ctx, "/containers/json", nil)
	if err != nil {
		return nil, err
	}
	ids, err := parseIDs(data)
	if err != nil {
		return nil, err
	}
	infos, err := each(ctx, ids, d.Inspect)
	if err != nil {
		return nil, err
	}
	return infos, nil
}

// each calls inspect with every ID and leaves out the containers that are gone,
// or that the runtime does not report: a broken one does not hide the others.
func each(
	ctx context.Context, ids []string, inspect func(context.Context, string) (source.Info, error),
) ([]source.Info, error) {
	all := make([]*source.Info, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, id := range ids {
		g.Go(func() error {
			info, err := inspect(ctx, id)
			var no *statusError
			if errors.Is(err, source.ErrGone) || errors.As(err, &no) {
				return nil
			}
			all[i] = &info
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	infos := make([]source.Info, 0, len(all))
	for _, info := range all {
		if info != nil {
			infos = append(infos, *info)
		}
	}
	return infos, nil
}

// Inspect implements source.Source.
func (d *docker) Inspect(ctx context.Context, id string) (source.Info, error) {
	data, err := d.get(ctx, "/containers/"+url.PathEscape(id)+"/json", nil)
	if errors.Is(err, errNotFound) {
		return source.Info{}, source.ErrGone
	}
	if err != nil {
		return source.Info{}, err
	}
	info, err := parseContainer(data)
	if err != nil {
		return source.Info{}, err
	}
	d.digests.fill(ctx, &info)
	return info, nil
}

// Events implements source.Source.
func (d *docker) Events(ctx context.Context, ready func(), changed func(id string)) error {
	return d.events(ctx, eventStream("/events", "start", "die", "destroy"), ready, changed)
}

// eventStream is what happens to containers.
func eventStream(path string, kinds ...string) stream {
	return stream{path, url.Values{
		"since":   {strconv.FormatInt(time.Now().Add(-replay).Unix(), 10)},
		"stream":  {"true"},
		"filters": {filters(map[string][]string{"type": {"container"}, "event": kinds})},
	}}
}

func (a api) events(ctx context.Context, s stream, ready func(), changed func(id string)) error {
	return a.follow(ctx, s, ready, func(line []byte) error {
		id, err := parseEvent(line)
		if err == nil && id != "" {
			changed(id)
		}
		return err
	})
}

// digests has the digests of images by their IDs.
type digests struct {
	api  api
	mu   sync.Mutex
	byID map[string]string
}

// maxDigests is how many digests are kept.
const maxDigests = 10000

// fill completes what the runtime reports about the image of a container. An
// image that was removed since has no digest.
func (d *digests) fill(ctx context.Context, info *source.Info) {
	if info.ImageDigest != "" || info.ImageID == "" {
		return
	}
	d.mu.Lock()
	digest, ok := d.byID[info.ImageID]
	d.mu.Unlock()
	if !ok {
		data, err := d.api.get(ctx, "/images/"+url.PathEscape(info.ImageID)+"/json", nil)
		if err == nil {
			digest, err = parseImage(data)
		}
		if err != nil {
			return
		}
		d.keep(info.ImageID, digest)
	}
	info.ImageDigest = digest
}

func (d *digests) keep(id, digest string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byID == nil || len(d.byID) >= maxDigests {
		d.byID = map[string]string{}
	}
	d.byID[id] = digest
}
