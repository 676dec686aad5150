package runcmd

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// defaults gives the flags of the run, as far as neither the command line nor a
// manifest has them, the values of paramDefaults in gadget.yaml. Which gadget
// is run, and whether it may, is decided by then.
func (s *session) defaults() error {
	own := *s.cmd // others may run with the same flags
	changed := false
	for _, name := range slices.Sorted(maps.Keys(s.metadata.ParamDefaults)) {
		p, source, ok := gadgetapi.RunnerParamNamed(name)
		if !ok || overridden(p, s.rest.Given) {
			continue
		}
		value := s.metadata.ParamDefaults[name]
		if source != "" {
			value = source + ":" + value
		}
		set, err := own.set(p.Flag, value)
		if err != nil {
			return fmt.Errorf("gadget.yaml, paramDefaults %q: %w", name, err)
		}
		if set {
			changed = true
			s.detailf("gadget.yaml sets %s=%s", p.Flag, value)
		}
	}
	if !changed {
		return nil
	}
	s.cmd = &own
	return s.open()
}

// set gives a flag a value, and reports whether a gadget may do that. A flag of
// several values keeps those that it has got from here.
func (c *Cmd) set(flag, value string) (bool, error) {
	texts := map[string]*string{
		"--sort": &c.Sort, "--max-entries": &c.MaxEntries, "--output": &c.Output, "--fields": &c.Fields,
		"--symbolizers":   &c.Symbolizers,
		"--containername": &c.ContainerName, "--k8s-podname": &c.K8sPodName, "--k8s-namespace": &c.K8sNamespace,
		"--k8s-containername": &c.K8sContainer, "--k8s-selector": &c.K8sSelector,
		"--runtime-containerimage-digest": &c.ImageDigest, "--runtime-containerimage-id": &c.ImageID,
	}
	lists := map[string]*[]string{"--filter": &c.Filter, "--filter-expr": &c.FilterExpr}
	commas := map[string]*[]string{"--annotate": &c.Annotate, "--iface": &c.Iface}
	switch {
	case texts[flag] != nil:
		*texts[flag] = value
	case lists[flag] != nil:
		*lists[flag] = append(slices.Clone(*lists[flag]), value)
	case commas[flag] != nil:
		*commas[flag] = strings.Split(value, ",")
	case flag == "--host":
		host, err := strconv.ParseBool(value)
		if err != nil {
			return false, fmt.Errorf("%q is neither true nor false", value)
		}
		c.Host = host
	default:
		return false, nil
	}
	return true, nil
}

// withDefaults adds to values of the command line those of paramDefaults.
func (s *session) withDefaults(params []gadgetapi.Param, values map[string]string) {
	for _, p := range params {
		if _, given := values[p.Var]; given {
			continue
		}
		if value := s.metadata.ParamDefault(p); value != "" {
			values[p.Var] = value
		}
	}
}
