package packetfilter

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// qualifiers are the words before the address, number or name of a primitive.
type qualifiers struct {
	proto string // "" for any
	from  string // "src", "dst", "src or dst", "src and dst"; "" for either
	kind  string // "host", "net", "port", "portrange" or "proto"
}

// primitive is a condition that is not a relation: "[proto] [direction] [kind] id", a
// protocol alone, or one of the words without an argument.
func (p *parser) primitive() (node, error) {
	if !p.peek().quoted {
		if n, err, ok := p.single(); ok {
			return n, err
		}
	}
	q, given := p.qualifiers()
	if !given && p.last != nil {
		q = *p.last
	} else if !given {
		return nil, unknown(p.peek().text)
	}
	if q.proto != "" && q.from == "" && q.kind == "" {
		return p.alone(q.proto)
	}
	if q.kind == "" {
		q.kind = "host"
	}
	id := p.peek().text
	if id == "" {
		return nil, fmt.Errorf("%q has nothing after it", p.tokens[p.at-1].text)
	}
	p.at++
	p.last = &q
	return p.match(q, id)
}

// single is a primitive of one word, or of a word and a number.
func (p *parser) single() (node, error, bool) {
	word, ok := p.accept("less", "greater", "broadcast", "multicast", "vlan", "gateway", "inbound", "outbound", "mpls",
		"pppoes", "geneve")
	if !ok {
		return nil, nil, false
	}
	p.last = nil
	switch word {
	case "less", "greater":
		value, err := strconv.ParseUint(p.peek().text, 0, 32)
		if err != nil {
			return nil, fmt.Errorf("%q has no number after it", word), true
		}
		p.at++
		return compare{map[string]string{"less": "<=", "greater": ">="}[word], length{}, number(value)}, nil, true
	case "broadcast", "multicast":
		n, err := p.reach("ether", word)
		return n, err, true
	case "vlan":
		n, err := p.vlan()
		return n, err, true
	}
	return nil, fmt.Errorf("%q cannot be decided from a packet alone, leave it out", word), true
}

// vlan is "vlan [id]". What follows it is about what comes after the tag.
func (p *parser) vlan() (node, error) {
	if p.frame.tagged {
		return nil, errors.New(`"vlan" appears twice, filters support one tag`)
	}
	p.frame.tagged = true
	tagged := compare{"!=", tag{}, number(0)}
	value, err := strconv.ParseUint(p.peek().text, 0, 32)
	if err != nil {
		return anyOf(tagged, hasTag()), nil
	}
	if p.at++; value > 0xfff {
		return nil, fmt.Errorf("%d is not a number of a VLAN, which are 0 to 4095", value)
	}
	return anyOf(
		allOf(tagged, masked(tag{value: true}, 0xfff, uint32(value))),
		allOf(hasTag(), masked(load{number(etherHeader), 2}, 0xfff, uint32(value))),
	), nil
}

// qualifiers reads the words before an id, and reports whether there were any.
func (p *parser) qualifiers() (qualifiers, bool) {
	var q qualifiers
	begin := p.at
	t := p.peek()
	if !t.quoted && (t.text == "ether" || etherTypes[t.text] != 0 || protocols[t.text] != 0) {
		q.proto = t.text
		p.at++
	}
	if from, ok := p.accept("src", "dst"); ok {
		q.from = from
		saved := p.at
		if op, ok := p.accept("or", "and", "||", "&&"); ok {
			if other, ok := p.accept("src", "dst"); ok && other != from {
				q.from = map[string]string{"or": "", "||": "", "and": "src and dst", "&&": "src and dst"}[op]
				if q.from == "" {
					q.from = "src or dst"
				}
			} else {
				p.at = saved
			}
		}
	}
	if kind, ok := p.accept("host", "net", "port", "portrange", "proto"); ok {
		q.kind = kind
	} else if q.proto != "" && q.from == "" {
		if word, ok := p.accept("broadcast", "multicast"); ok {
			q.kind = word
			p.at--
		}
	}
	return q, p.at > begin
}

// alone is a protocol that nothing but "broadcast" or "multicast" follows.
func (p *parser) alone(proto string) (node, error) {
	p.last = nil
	switch {
	case proto == "ether":
		return nil, errors.New(`"ether" has nothing after it`)
	case etherTypes[proto] != 0:
		return p.frame.etherType(proto), nil
	}
	return p.frame.carries(proto), nil
}

// match is the condition that a packet has id where q says.
func (p *parser) match(q qualifiers, id string) (node, error) {
	switch q.kind {
	case "host":
		return p.host(q, id)
	case "net":
		return p.net(q, id)
	case "port", "portrange":
		return p.port(q, id)
	case "proto":
		return p.proto(q, id)
	}
	p.last = nil
	return p.reach(q.proto, q.kind)
}

// reach is "broadcast" or "multicast" of a protocol.
func (p *parser) reach(proto, word string) (node, error) {
	f := p.frame
	switch {
	case proto == "ether" && word == "broadcast":
		return allOf(is(load{number(0), 4}, 1<<32-1), is(load{number(4), 2}, 1<<16-1)), nil
	case proto == "ether":
		return masked(load{number(0), 1}, 1, 1), nil
	case proto == "ip" && word == "multicast":
		return allOf(f.etherType("ip"), compare{">=", load{f.network(ip4DestAt), 1}, number(224)}), nil
	case proto == "ip6" && word == "multicast":
		return allOf(f.etherType("ip6"), is(load{f.network(ip6DestAt), 1}, 0xff)), nil
	}
	return nil, fmt.Errorf("%q does not go with %q", word, proto)
}

// either is the condition that source or destination match, as q says.
func (q qualifiers) either(source, destination node) node {
	switch q.from {
	case "src":
		return source
	case "dst":
		return destination
	case "src and dst":
		return and{source, destination}
	}
	return or{source, destination}
}

func (p *parser) port(q qualifiers, id string) (node, error) {
	transports := ported
	if q.proto != "" {
		if q.proto != "tcp" && q.proto != "udp" && q.proto != "sctp" {
			return nil, fmt.Errorf("%q has no ports", q.proto)
		}
		transports = []string{q.proto}
	}
	first, last, err := ports(q, id)
	if err != nil {
		return nil, err
	}
	f := p.frame
	var in4, in6 []node
	for _, c := range transports {
		in4 = append(in4, is(load{f.network(ip4ProtoAt), 1}, protocols[c]))
		in6 = append(in6, is(load{f.network(ip6NextAt), 1}, protocols[c]))
	}
	between := func(place node) node {
		if first == last {
			return is(load{place, 2}, first)
		}
		return allOf(compare{">=", load{place, 2}, number(first)}, compare{"<=", load{place, 2}, number(last)})
	}
	return anyOf(
		allOf(f.etherType("ip6"), anyOf(in6...), q.either(between(f.network(ip6Header)), between(f.network(ip6Header+2)))),
		allOf(f.etherType("ip"), anyOf(in4...), f.unfragmented(),
			q.either(between(f.transport(number(0))), between(f.transport(number(2))))),
	), nil
}

// ports returns the first and the last port that id names.
func ports(q qualifiers, id string) (first, last uint32, err error) {
	if q.kind == "port" {
		first, err = portNumber(q.proto, id)
		return first, first, err
	}
	from, to, ok := strings.Cut(id, "-")
	if !ok {
		return 0, 0, fmt.Errorf("%q is not a range of ports, use one like 6000-6008", id)
	}
	if first, err = portNumber(q.proto, from); err == nil {
		last, err = portNumber(q.proto, to)
	}
	return min(first, last), max(first, last), err
}

// portNumber returns a port by its number or its name in the table of this machine.
func portNumber(proto, id string) (uint32, error) {
	if n, err := strconv.ParseUint(id, 0, 16); err == nil {
		return uint32(n), nil
	}
	for _, network := range []string{"tcp", "udp"} {
		if proto != "" && proto != network {
			continue
		}
		if n, err := net.LookupPort(network, id); err == nil && n > 0 && n < 1<<16 {
			return uint32(n), nil
		}
	}
	return 0, fmt.Errorf("%q is not a port", id)
}

func (p *parser) proto(q qualifiers, id string) (node, error) {
	value, err := strconv.ParseUint(id, 0, 16)
	if q.from != "" {
		return nil, fmt.Errorf("%q does not go with %q", q.from, "proto")
	}
	if q.proto == "ether" {
		if named, ok := etherTypes[id]; ok {
			value, err = uint64(named), nil
		}
		if err != nil || value < 0x600 {
			return nil, fmt.Errorf("%q is not a protocol on Ethernet, use a name or a number from 0x600 on", id)
		}
		return is(load{p.frame.link(etherTypeAt), 2}, uint32(value)), nil
	}
	if named, ok := protocols[id]; ok {
		value, err = uint64(named), nil
	}
	if err != nil || value > 0xff {
		return nil, fmt.Errorf("%q is not a protocol on IP, use a name or a number", id)
	}
	switch q.proto {
	case "ip", "ip6":
		return p.frame.proto(q.proto, uint32(value)), nil
	case "":
		return anyOf(p.frame.proto("ip6", uint32(value)), p.frame.proto("ip", uint32(value))), nil
	}
	return nil, fmt.Errorf("%q does not go with %q", q.proto, "proto")
}
