package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// Policy allows pods connections, and no others.
type Policy struct {
	Namespace, Name string
	Labels          string // of the pods, key=value,key2=value2
	Ingress, Egress []Peer
}

// Peer is an other end and the ports that connections to it, or from it, may have.
type Peer struct {
	Selector
	Ports []Port
}

// Selector chooses other ends: pods by labels, or one address.
type Selector struct {
	Address   netip.Addr
	Namespace string // of the pods, where it is another one
	Labels    string
}

func (s Selector) compare(other Selector) int {
	return cmp.Or(
		s.Address.Compare(other.Address),
		cmp.Compare(s.Namespace, other.Namespace),
		cmp.Compare(s.Labels, other.Labels),
	)
}

// block is the address as a range of one.
func (s Selector) block() string { return netip.PrefixFrom(s.Address, s.Address.BitLen()).String() }

// Port is a port of the server.
type Port struct {
	Number   uint16
	Protocol string
}

func (p Port) compare(other Port) int {
	return cmp.Or(cmp.Compare(p.Protocol, other.Protocol), cmp.Compare(p.Number, other.Number))
}

// Labels that name the namespace of a pod: a label of namespaces, and one that
// Cilium gives to pods.
const (
	namespaceLabel       = "kubernetes.io/metadata.name"
	ciliumNamespaceLabel = "io.kubernetes.pod.namespace"
)

// document is YAML that is being written.
type document struct{ strings.Builder }

// line writes a line with an indentation of so many steps.
func (d *document) line(indent int, format string, args ...any) {
	fmt.Fprintf(d, "%*s"+format+"\n", append([]any{2 * indent, ""}, args...)...)
}

// labels writes labels, in order.
func (d *document) labels(indent int, labels string, more ...string) {
	for _, label := range append(strings.Split(labels, ","), more...) {
		key, value, _ := strings.Cut(label, "=")
		d.line(indent, "%s: %s", scalar(key), scalar(value))
	}
}

// begin writes what both formats begin with.
func (d *document) begin(p Policy, version, kind, selector string) {
	if p.Labels == "" {
		d.line(0, "# The pod has no labels: this policy is for all pods of the namespace.")
	}
	d.line(0, "apiVersion: %s", version)
	d.line(0, "kind: %s", kind)
	d.line(0, "metadata:")
	d.line(1, "name: %s", scalar(p.Name))
	d.line(1, "namespace: %s", scalar(p.Namespace))
	d.line(0, "spec:")
	if p.Labels == "" {
		d.line(1, "%s: {}", selector)
		return
	}
	d.line(1, "%s:", selector)
	d.line(2, "matchLabels:")
	d.labels(3, p.Labels)
}

// Kubernetes returns the policy as a NetworkPolicy.
func (p Policy) Kubernetes() string {
	var d document
	d.begin(p, "networking.k8s.io/v1", "NetworkPolicy", "podSelector")
	d.line(1, "policyTypes:")
	d.line(1, "- Ingress")
	d.line(1, "- Egress")
	d.rules("ingress", "from", p.Ingress)
	d.rules("egress", "to", p.Egress)
	return d.String()
}

// rules writes the rules of one direction. Without any no connection is allowed.
func (d *document) rules(direction, preposition string, peers []Peer) {
	if len(peers) > 0 {
		d.line(1, "%s:", direction)
	}
	for _, peer := range peers {
		d.line(1, "- %s:", preposition)
		if peer.Address.IsValid() {
			d.line(2, "- ipBlock:")
			d.line(4, "cidr: %s", scalar(peer.block()))
		} else {
			d.line(2, "- podSelector:")
			d.line(4, "matchLabels:")
			d.labels(5, peer.Labels)
		}
		if peer.Namespace != "" {
			d.line(3, "namespaceSelector:")
			d.line(4, "matchLabels:")
			d.labels(5, namespaceLabel+"="+peer.Namespace)
		}
		d.line(2, "ports:")
		for _, port := range peer.Ports {
			d.line(2, "- port: %d", port.Number)
			d.line(3, "protocol: %s", port.Protocol)
		}
	}
}

// Cilium returns the policy as a CiliumNetworkPolicy.
func (p Policy) Cilium() string {
	var d document
	d.begin(p, "cilium.io/v2", "CiliumNetworkPolicy", "endpointSelector")
	d.ciliumRules("ingress", "from", p.Ingress)
	d.ciliumRules("egress", "to", p.Egress)
	return d.String()
}

// ciliumRules writes the rules of one direction. Cilium allows what has no rule at
// all: an empty one allows nothing.
func (d *document) ciliumRules(direction, preposition string, peers []Peer) {
	d.line(1, "%s:", direction)
	if len(peers) == 0 {
		d.line(1, "- {}")
	}
	for _, peer := range peers {
		if peer.Address.IsValid() {
			d.line(1, "- %sCIDR:", preposition)
			d.line(2, "- %s", scalar(peer.block()))
		} else {
			d.line(1, "- %sEndpoints:", preposition)
			d.line(2, "- matchLabels:")
			var more []string
			if peer.Namespace != "" {
				more = []string{ciliumNamespaceLabel + "=" + peer.Namespace}
			}
			d.labels(4, peer.Labels, more...)
		}
		d.line(2, "toPorts:")
		d.line(2, "- ports:")
		for _, port := range peer.Ports {
			d.line(3, `- port: "%d"`, port.Number)
			d.line(4, "protocol: %s", port.Protocol)
		}
	}
}

// plain are texts that YAML takes for themselves, but for the words below.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._/-]*$`)

// scalar returns a text as YAML takes it for one.
func scalar(text string) string {
	switch strings.ToLower(text) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		return strconv.Quote(text)
	}
	if !plain.MatchString(text) {
		return strconv.QuoteToASCII(text)
	}
	return text
}
