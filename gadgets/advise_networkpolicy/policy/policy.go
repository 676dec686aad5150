// Package policy makes network policies of Kubernetes that allow the connections
// which were seen.
package policy

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Pod is what is known of a pod.
type Pod struct {
	Namespace string
	Name      string
	Owner     string // what made the pod, such as a Deployment
	Labels    string // key=value,key2=value2
}

// Connection is one that a pod made or accepted.
type Connection struct {
	Pod      Pod
	Local    netip.Addr // the address of the pod
	Remote   netip.Addr
	Port     uint16 // of the server
	Protocol string // TCP or UDP
	Egress   bool   // the pod made it
}

// maxRules is how many different connections are remembered.
const maxRules = 100_000

// transient are labels that say when and where a pod runs, not what it is.
var transient = map[string]struct{}{
	"controller-revision-hash":                 {},
	"pod-template-generation":                  {},
	"pod-template-hash":                        {},
	"topology.kubernetes.io/region":            {},
	"topology.kubernetes.io/zone":              {},
	"failure-domain.beta.kubernetes.io/region": {},
	"failure-domain.beta.kubernetes.io/zone":   {},
}

// identity is what pods have in common that one policy is for.
type identity struct{ namespace, labels string }

func identityOf(p Pod) identity {
	var labels []string
	for label := range strings.SplitSeq(p.Labels, ",") {
		key, _, ok := strings.Cut(label, "=")
		if _, drop := transient[key]; ok && !drop {
			labels = append(labels, label)
		}
	}
	slices.Sort(labels)
	return identity{p.Namespace, strings.Join(labels, ",")}
}

// rule is what the pods of a policy are to be allowed.
type rule struct {
	egress   bool
	remote   netip.Addr
	port     uint16
	protocol string
}

// subject is what a policy is for.
type subject struct {
	name  string
	rules map[rule]struct{}
}

// Advisor collects connections.
type Advisor struct {
	subjects map[identity]*subject
	pods     map[netip.Addr]identity // whose address it is, nobody's where several pods had it
	rules    int
	dropped  int
}

// NewAdvisor returns an Advisor without connections.
func NewAdvisor() *Advisor {
	return &Advisor{subjects: map[identity]*subject{}, pods: map[netip.Addr]identity{}}
}

// Dropped returns how many connections found no room.
func (a *Advisor) Dropped() int { return a.dropped }

// Add adds a connection. Those that no policy can keep a pod from, or that are for
// nobody in particular, need no rule.
func (a *Advisor) Add(c Connection) {
	id := identityOf(c.Pod)
	if owner, seen := a.pods[c.Local]; seen && owner != id {
		a.pods[c.Local] = identity{}
	} else if len(a.pods) < maxRules {
		a.pods[c.Local] = id
	}
	s := a.subjects[id]
	if s == nil {
		s = &subject{name: cmp.Or(c.Pod.Owner, c.Pod.Name), rules: map[rule]struct{}{}}
		a.subjects[id] = s
	}
	s.name = min(s.name, cmp.Or(c.Pod.Owner, c.Pod.Name))
	if c.Remote == c.Local || !c.Remote.IsGlobalUnicast() && !c.Remote.IsLinkLocalUnicast() {
		return
	}
	r := rule{c.Egress, c.Remote, c.Port, c.Protocol}
	if _, seen := s.rules[r]; seen {
		return
	}
	if a.rules >= maxRules {
		a.dropped++
		return
	}
	a.rules++
	s.rules[r] = struct{}{}
}

// Policies returns the policies, by namespace and name.
func (a *Advisor) Policies() []Policy {
	var out []Policy
	for _, id := range slices.SortedFunc(maps.Keys(a.subjects), compare) {
		s := a.subjects[id]
		out = append(out, Policy{
			Namespace: id.namespace, Name: s.name + "-network", Labels: id.labels,
			Ingress: a.peers(id, s, false), Egress: a.peers(id, s, true),
		})
	}
	slices.SortStableFunc(out, func(a, b Policy) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	distinguish(out)
	return out
}

func compare(a, b identity) int {
	return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.labels, b.labels))
}

// peers returns the other ends of a subject's connections in one direction, each
// with its ports.
func (a *Advisor) peers(of identity, s *subject, egress bool) []Peer {
	ports := map[Selector][]Port{}
	for r := range s.rules {
		if r.egress != egress {
			continue
		}
		to, port := a.selector(of, r.remote), Port{r.port, r.protocol}
		if !slices.Contains(ports[to], port) {
			ports[to] = append(ports[to], port)
		}
	}
	var out []Peer
	for _, to := range slices.SortedFunc(maps.Keys(ports), Selector.compare) {
		slices.SortFunc(ports[to], Port.compare)
		out = append(out, Peer{to, ports[to]})
	}
	return out
}

// selector returns how to choose whoever has an address: by the labels of a pod on
// this node, else by the address.
func (a *Advisor) selector(of identity, addr netip.Addr) Selector {
	pod, found := a.pods[addr]
	if !found || pod.labels == "" {
		return Selector{Address: addr}
	}
	to := Selector{Labels: pod.labels}
	if pod.namespace != of.namespace {
		to.Namespace = pod.namespace
	}
	return to
}

// distinguish gives policies of the same name different ones: one would take the
// place of the other.
func distinguish(policies []Policy) {
	taken := map[[2]string]bool{}
	for i := range policies {
		p := &policies[i]
		for name, n := p.Name, 2; taken[[2]string{p.Namespace, p.Name}]; n++ {
			p.Name = fmt.Sprintf("%s-%d", name, n)
		}
		taken[[2]string{p.Namespace, p.Name}] = true
	}
}
