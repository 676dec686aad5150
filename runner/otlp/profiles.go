package otlp

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/flame"
)

// profileInterval is the time between two profiles of a run.
const profileInterval = 10 * time.Second

// maxAttributeSets is how many different sets of attributes the samples of one profile
// have; the stacks of later ones are added up without attributes.
const maxAttributeSets = 4096

// maxStacks is how many different stacks one request has, of all data sources and
// attributes; later ones are added up as one. Collectors take messages of some 20 MB.
const maxStacks = 1 << 16

// The annotations of a profile and of a field that its samples have as an attribute.
const (
	annotationProfileName     = "profiles.name"
	annotationSampleAttribute = "profiles.sample-attribute"
)

// The header that names the version of the messages, which are not stable yet.
const (
	versionHeader  = "OTLP-Profiles-Development-Version"
	profileVersion = "1"
)

// Profiles adds up stacks, and sends them as profiles.
type Profiles struct {
	client *client
	stop   func()

	mu      sync.Mutex
	sources []*ProfileSource
	room    int // how many more different stacks are kept
	since   time.Time
}

// ProfileSource adds the events of a data source to its profile.
type ProfileSource struct {
	owner       *Profiles
	reader      *flame.Reader
	scope, name string
	attributes  []sampleAttribute
	samples     map[string]*attributed
	key         []byte // reused
}

// sampleAttribute is a field that samples have as an attribute.
type sampleAttribute struct {
	name  string
	text  field.AppendFunc
	value func(sample []byte) *commonpb.AnyValue
}

// attributed is the sum of the stacks with the same attributes.
type attributed struct {
	attributes []*commonpb.KeyValue
	stacks     flame.Profile
}

// PushProfiles starts to send the stacks of what is added. What goes wrong is noted, the
// run goes on.
func PushProfiles(e Endpoint, note func(format string, args ...any)) *Profiles {
	return pushProfiles(e, profileInterval, note)
}

func pushProfiles(e Endpoint, interval time.Duration, note func(format string, args ...any)) *Profiles {
	e.Headers = e.Headers.Clone()
	e.Headers.Set(versionHeader, profileVersion)
	p := &Profiles{client: newClient(e), room: maxStacks, since: time.Now()}
	p.stop = periodically(interval, p.push, func(err error) { note("profiles: %v", err) })
	return p
}

// Stop sends what was added since the last time, for at most a second.
func (p *Profiles) Stop() { p.stop() }

// Add returns what adds the events of src, nil where it has no stacks. gadget is the name
// of the gadget.
func (p *Profiles) Add(src *field.Source, gadget string) (*ProfileSource, error) {
	reader, err := flame.NewReader(src, flame.ForExport)
	if err != nil {
		return nil, fmt.Errorf("data source %q: %w", src.Name, err)
	}
	if reader == nil {
		return nil, nil
	}
	s := &ProfileSource{
		owner: p, reader: reader, samples: map[string]*attributed{},
		scope: cmp.Or(gadget, src.Name), name: cmp.Or(src.Annotations[annotationProfileName], src.Name),
	}
	for _, f := range src.All() {
		if f.Annotations[annotationSampleAttribute] == "true" && f.Append != nil && len(f.Children) == 0 {
			s.attributes = append(s.attributes, sampleAttribute{f.FullName, f.Append, valueOf(f)})
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sources = append(p.sources, s)
	return s, nil
}

// Sample adds an event.
func (s *ProfileSource) Sample(sample []byte) {
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	s.key = s.key[:0]
	for _, a := range s.attributes {
		s.key = append(a.text(s.key, sample), 0)
	}
	set := s.samples[string(s.key)]
	if set == nil {
		set = s.newSet(sample)
	}
	set.stacks.Add(s.reader.Read(sample))
}

// newSet returns where the stacks with the attributes of sample are added up.
func (s *ProfileSource) newSet(sample []byte) *attributed {
	if len(s.samples) >= maxAttributeSets {
		if s.samples[""] == nil {
			s.samples[""] = &attributed{stacks: flame.Profile{Room: &s.owner.room}}
		}
		return s.samples[""]
	}
	set := &attributed{stacks: flame.Profile{Room: &s.owner.room}}
	for _, a := range s.attributes {
		set.attributes = append(set.attributes, &commonpb.KeyValue{Key: a.name, Value: a.value(sample)})
	}
	s.samples[string(s.key)] = set
	return set
}

// push sends what was added since the last time.
func (p *Profiles) push(ctx context.Context) error {
	body, err := p.take(time.Now())
	if body == nil || err != nil {
		return err
	}
	return p.client.deliver(ctx, body)
}

// take returns a request with what was added, nil for nothing, and empties the sums.
func (p *Profiles) take(now time.Time) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := newProfileWriter(p.since, now)
	p.since, p.room = now, maxStacks
	for _, s := range p.sources {
		if err := w.profile(s); err != nil {
			return nil, err
		}
		s.samples = map[string]*attributed{}
	}
	return w.request(p.client.Resource)
}
