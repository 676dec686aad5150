package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"golang.org/x/sync/semaphore"

	"github.com/rules-gadget/rules_gadget/img/registries"
)

// parallel is how many blobs are moved at a time.
const parallel = 4

// Pull fetches the image of that name from its registry, with its blobs for a
// platform: this machine's if it is empty, every one if it is "all".
func (s Store) Pull(
	ctx context.Context, name, platform string, from *registries.Registries,
) (images.Image, int64, error) {
	full, err := Normalize(name)
	if err != nil {
		return images.Image{}, 0, err
	}
	match, err := matcher(platform)
	if err != nil {
		return images.Image{}, 0, err
	}
	ctx, done, err := s.hold(ctx)
	if err != nil {
		return images.Image{}, 0, err
	}
	image, err := s.pull(ctx, full, match, from.Resolver())
	if err != nil {
		err = fmt.Errorf("pulling %s: %w", Familiar(full), err)
	}
	size := int64(0)
	if err == nil {
		size, err = s.size(ctx, image)
	}
	return image, size, errors.Join(err, done())
}

func (s Store) pull(ctx context.Context, name string, match platforms.MatchComparer,
	resolver remotes.Resolver,
) (images.Image, error) {
	_, desc, err := resolver.Resolve(ctx, name)
	if err != nil {
		return images.Image{}, err
	}
	fetcher, err := resolver.Fetcher(ctx, name)
	if err != nil {
		return images.Image{}, err
	}
	children := images.SetChildrenLabels(s.Content, images.ChildrenHandler(s.Content))
	children = images.FilterPlatforms(children, match)
	if match != platforms.All {
		children = images.LimitManifests(children, match, 1)
	}
	origin, err := docker.AppendDistributionSourceLabel(s.Content, name)
	if err != nil {
		return images.Image{}, err
	}
	handler := images.Handlers(remotes.FetchHandler(s.Content, fetcher), children, origin)
	if err := images.Dispatch(ctx, handler, semaphore.NewWeighted(parallel), desc); err != nil {
		return images.Image{}, err
	}
	image := images.Image{Name: name, Target: desc}
	return image, s.put(ctx, image)
}

// matcher selects platforms.
func matcher(platform string) (platforms.MatchComparer, error) {
	switch platform {
	case "":
		return platforms.Default(), nil
	case "all":
		return platforms.All, nil
	}
	p, err := platforms.Parse(platform)
	if err != nil {
		return nil, fmt.Errorf("%q is not a platform, write os/arch or \"all\": %w", platform, err)
	}
	return platforms.Only(p), nil
}

// hold keeps what is brought until a name refers to it.
func (s Store) hold(ctx context.Context) (context.Context, func() error, error) {
	lease, err := s.Leases.Create(ctx, leases.WithRandomID(), leases.WithExpiration(24*time.Hour))
	if err != nil {
		return ctx, nil, fmt.Errorf("opening the store: %w", err)
	}
	return leases.WithLease(ctx, lease.ID), func() error { return s.Leases.Delete(ctx, lease) }, nil
}

// Push uploads the image of that name to its registry.
func (s Store) Push(ctx context.Context, name string, to *registries.Registries) (images.Image, error) {
	image, err := s.Get(ctx, name)
	if err != nil {
		return image, err
	}
	if err := s.push(ctx, image, to.Resolver()); err != nil {
		return image, fmt.Errorf("pushing %s: %w", Familiar(image.Name), err)
	}
	return image, nil
}

func (s Store) push(ctx context.Context, image images.Image, resolver remotes.Resolver) error {
	pusher, err := resolver.Pusher(ctx, image.Name+"@"+image.Target.Digest.String())
	if err != nil {
		return err
	}
	err = remotes.PushContent(ctx, pusher, image.Target, s.Content, semaphore.NewWeighted(parallel), platforms.All, nil)
	if errdefs.IsNotFound(err) {
		return fmt.Errorf("the store has only some of its platforms, fetch all with \"img pull --platform all\": %w", err)
	}
	return err
}
