package container

import (
	"fmt"
	"strings"
)

// SelectorFlags are the flags that choose containers. Each takes several values
// comma-separated, of which one must match; "!" before a value excludes it.
type SelectorFlags struct {
	ContainerName string `name:"containername" short:"c" aliases:"runtime-containername" placeholder:"NAMES" help:"Only containers with this name at the runtime: \"a,b\" for several, \"!a\" for all but one."`
	ImageDigest   string `name:"runtime-containerimage-digest" aliases:"containerimage-digest" placeholder:"DIGESTS" help:"Only containers of the image with this digest, or a prefix of it."`
	ImageID       string `name:"runtime-containerimage-id" aliases:"containerimage-id" placeholder:"IDS" help:"Only containers of the image with this ID, or a prefix of it."`
	K8sNamespace  string `name:"k8s-namespace" placeholder:"NAMES" help:"Only containers of pods in this Kubernetes namespace."`
	K8sPodName    string `name:"k8s-podname" placeholder:"NAMES" help:"Only containers of the Kubernetes pod with this name."`
	K8sContainer  string `name:"k8s-containername" placeholder:"NAMES" help:"Only containers with this name in their pod."`
	K8sSelector   string `name:"k8s-selector" placeholder:"LABELS" help:"Only containers of pods with these labels: \"key=value\", \"key=!value\", \"!key=value\"; several, comma-separated, must all hold."`
}

// Selector selects containers. The zero Selector selects all.
type Selector struct {
	names, digests, imageIDs    filter
	namespaces, pods, inPodName filter
	labels                      []labelFilter
}

// Selector returns the Selector that the flags describe. Its error is a wrong
// use of a flag.
func (f *SelectorFlags) Selector() (Selector, error) {
	s := Selector{
		names: newFilter(f.ContainerName), digests: newFilter(f.ImageDigest), imageIDs: newFilter(f.ImageID),
		namespaces: newFilter(f.K8sNamespace), pods: newFilter(f.K8sPodName), inPodName: newFilter(f.K8sContainer),
	}
	for _, text := range split(f.K8sSelector) {
		l, err := newLabelFilter(text)
		if err != nil {
			return Selector{}, fmt.Errorf("--k8s-selector: %w", err)
		}
		s.labels = append(s.labels, l)
	}
	return s, nil
}

// Empty reports whether s selects every container.
func (s *Selector) Empty() bool {
	return len(s.labels) == 0 && s.names.empty() && s.digests.empty() && s.imageIDs.empty() &&
		s.namespaces.empty() && s.pods.empty() && s.inPodName.empty()
}

// Match reports whether s selects c.
func (s *Selector) Match(c *Container) bool {
	if !s.names.match(c.Runtime.Container, equal) ||
		!s.digests.match(c.Runtime.ImageDigest, hasHexPrefix) || !s.imageIDs.match(c.Runtime.ImageID, hasHexPrefix) ||
		!s.namespaces.match(c.K8s.Namespace, equal) || !s.pods.match(c.K8s.PodName, equal) ||
		!s.inPodName.match(c.K8s.Container, equal) {
		return false
	}
	for _, l := range s.labels {
		if !l.match(c.K8s.PodLabels) {
			return false
		}
	}
	return true
}

// filter is a list of values, one of which must match, and of others, none of
// which may.
type filter struct{ want, exclude []string }

func newFilter(list string) filter {
	var f filter
	for _, v := range split(list) {
		if name, ok := strings.CutPrefix(v, "!"); ok {
			f.exclude = append(f.exclude, name)
		} else {
			f.want = append(f.want, v)
		}
	}
	return f
}

// split returns the values of a list comma-separated, without empty ones.
func split(list string) []string {
	var out []string
	for v := range strings.SplitSeq(list, ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

func (f filter) empty() bool { return len(f.want)+len(f.exclude) == 0 }

func (f filter) match(value string, matches func(value, pattern string) bool) bool {
	for _, p := range f.exclude {
		if matches(value, p) {
			return false
		}
	}
	for _, p := range f.want {
		if matches(value, p) {
			return true
		}
	}
	return len(f.want) == 0
}

func equal(value, pattern string) bool { return value == pattern }

// hasHexPrefix reports whether a digest or ID begins with pattern. The name of
// the algorithm may precede either.
func hasHexPrefix(value, pattern string) bool {
	value, pattern = withoutAlgorithm(value), withoutAlgorithm(pattern)
	return pattern != "" && strings.HasPrefix(value, pattern)
}

func withoutAlgorithm(digest string) string {
	if _, hex, ok := strings.Cut(digest, ":"); ok {
		return hex
	}
	return digest
}

// labelFilter is one pair of --k8s-selector.
type labelFilter struct {
	key, value string
	notPair    bool // "!key=value": no pod with this label
	notValue   bool // "key=!value": the label, with any other value
}

func newLabelFilter(text string) (labelFilter, error) {
	key, value, ok := strings.Cut(text, "=")
	l := labelFilter{}
	l.key, l.notPair = strings.CutPrefix(strings.TrimSpace(key), "!")
	l.value, l.notValue = strings.CutPrefix(strings.TrimSpace(value), "!")
	if !ok || l.key == "" || strings.Contains(l.value, "=") {
		return l, fmt.Errorf("%q is not a label, write key=value", text)
	}
	return l, nil
}

func (l labelFilter) match(labels map[string]string) bool {
	value, ok := labels[l.key]
	matches := ok && (value == l.value) != l.notValue
	return matches != l.notPair
}
