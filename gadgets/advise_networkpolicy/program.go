// Makes network policies of the connections that the eBPF program saw.
package main

import (
	"errors"
	"fmt"
	"net/netip"

	"example.com/advise_networkpolicy/policy"
	"github.com/rules-gadget/rules_gadget/wasmapi"
)

// adviser is the state of the program.
type adviser struct {
	advise    wasmapi.Source
	text      wasmapi.Field
	cilium    bool
	collected *policy.Advisor
	outside   map[uint32]struct{} // network namespaces of no pod

	netns, egress, port                     wasmapi.Field
	remote, local, protocol                 wasmapi.Field
	namespace, name, owner, labels, ownHost wasmapi.Field
}

var state = adviser{collected: policy.NewAdvisor(), outside: map[uint32]struct{}{}}

//go:wasmexport gadgetInit
func gadgetInit() int32 { return wasmapi.Run(state.setUp) }

//go:wasmexport gadgetStop
func gadgetStop() int32 { return wasmapi.Run(state.emit) }

func (a *adviser) setUp() error {
	format, err := wasmapi.Param("policy-format")
	if err != nil {
		return err
	}
	a.cilium = format == "cilium"
	connections, err := wasmapi.GetSource("network_connections")
	if err != nil {
		return err
	}
	if a.advise, err = wasmapi.NewSource("advise"); err != nil {
		return err
	}
	if a.text, err = a.advise.AddField("text", wasmapi.String); err != nil {
		return err
	}
	if err := a.find(connections); err != nil {
		return err
	}
	// What it has is for this program alone, in every form of output.
	if err := connections.Hide(); err != nil {
		return err
	}
	// Again and again, not once at the end: pods that have ended meanwhile are not known.
	return connections.SubscribeArray(func(entries wasmapi.Array) {
		for i := range entries.Len() {
			if err := a.add(entries.Get(i)); err != nil {
				wasmapi.Errorf("%v", err)
			}
		}
	})
}

// find finds the fields of a connection.
func (a *adviser) find(connections wasmapi.Source) error {
	var errs []error
	for name, field := range map[string]*wasmapi.Field{
		"netns_id": &a.netns, "egress": &a.egress, "local.addr": &a.local,
		"endpoint.addr": &a.remote, "endpoint.port": &a.port, "endpoint.proto": &a.protocol,
		"k8s.namespace": &a.namespace, "k8s.podName": &a.name, "k8s.owner.name": &a.owner,
		"k8s.podLabels": &a.labels, "k8s.hostnetwork": &a.ownHost,
	} {
		var err error
		*field, err = connections.Field(name)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// add notes a connection of a pod. No policy is for a pod with the network of the
// machine.
func (a *adviser) add(entry wasmapi.Data) error {
	var c policy.Connection
	var remote, local, host string
	var errs []error
	for to, field := range map[*string]wasmapi.Field{
		&c.Pod.Namespace: a.namespace, &c.Pod.Name: a.name, &c.Pod.Owner: a.owner, &c.Pod.Labels: a.labels,
		&remote: a.remote, &local: a.local, &c.Protocol: a.protocol, &host: a.ownHost,
	} {
		var err error
		*to, err = field.Text(entry)
		errs = append(errs, err)
	}
	netns, err := wasmapi.Get[uint32](a.netns, entry)
	egress, err2 := wasmapi.Get[uint8](a.egress, entry)
	port, err3 := wasmapi.Get[uint16](a.port, entry)
	if err := errors.Join(append(errs, err, err2, err3)...); err != nil {
		return err
	}
	if c.Pod.Name == "" || host == "true" {
		a.outside[netns] = struct{}{}
		return nil
	}
	c.Egress, c.Port = egress != 0, port
	if c.Remote, err = netip.ParseAddr(remote); err == nil {
		c.Local, err = netip.ParseAddr(local)
	}
	if err != nil {
		return fmt.Errorf("a connection of pod %q: %w", c.Pod.Name, err)
	}
	a.collected.Add(c)
	return nil
}

// emit writes the policies, each a document of its own.
func (a *adviser) emit() error {
	separator := ""
	policies := a.collected.Policies()
	for _, p := range policies {
		text := p.Kubernetes()
		if a.cilium {
			text = p.Cilium()
		}
		err := a.advise.Emit(func(event wasmapi.Data) error { return a.text.SetText(event, separator+text) })
		if err != nil {
			return err
		}
		separator = "---\n"
	}
	if len(policies) == 0 {
		wasmapi.Warnf("no pod made or accepted a connection, there is no policy; "+
			"%d network namespaces of no pod, or of the machine, had some", len(a.outside))
	}
	if n := a.collected.Dropped(); n > 0 {
		wasmapi.Warnf("%d connections found no room and are not in the policies", n)
	}
	return nil
}

func main() {}
