// Decodes the messages of DNS in the packets that the eBPF program saw.
package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"example.com/trace_dns/message"
	"github.com/rules-gadget/rules_gadget/wasmapi"
)

var kinds = map[uint16]string{
	1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 11: "WKS", 12: "PTR", 13: "HINFO", 14: "MINFO", 15: "MX", 16: "TXT", 28: "AAAA",
	33: "SRV", 35: "NAPTR", 41: "OPT", 43: "DS", 48: "DNSKEY", 64: "SVCB", 65: "HTTPS", 252: "AXFR", 255: "ALL", 257: "CAA",
}

var codes = map[uint16]string{
	0: "Success", 1: "FormatError", 2: "ServerFailure", 3: "NameError", 4: "NotImplemented", 5: "Refused",
}

// named returns the name of a number, or its digits.
func named(names map[uint16]string, n uint16) string {
	if name, ok := names[n]; ok {
		return name
	}
	return strconv.Itoa(int(n))
}

// fields are those of the data source: what the eBPF program sent, and what is added.
type fields struct {
	data, dataLen, dnsOff                           wasmapi.Field
	id, qr, qrRaw, qtype, qtypeRaw, name            wasmapi.Field
	rcode, rcodeRaw, answers, addresses             wasmapi.Field
	truncated, recursionAvailable, recursionDesired wasmapi.Field
}

//go:wasmexport gadgetInit
func gadgetInit() int32 { return wasmapi.Run(setUp) }

func setUp() error {
	dns, err := wasmapi.GetSource("dns")
	if err != nil {
		return err
	}
	var f fields
	if err := f.find(dns); err != nil {
		return err
	}
	packet := make([]byte, 1<<16)
	return dns.Subscribe(func(event wasmapi.Data) {
		if err := f.fill(event, packet); err != nil {
			wasmapi.Errorf("%v", err)
		}
	})
}

// find finds the fields that are there, and adds the others.
func (f *fields) find(dns wasmapi.Source) error {
	var errs []error
	for name, field := range map[string]*wasmapi.Field{"data": &f.data, "data_len": &f.dataLen, "dns_off": &f.dnsOff} {
		var err error
		*field, err = dns.Field(name)
		errs = append(errs, err)
	}
	for _, added := range []struct {
		name  string
		kind  wasmapi.Kind
		field *wasmapi.Field
	}{
		{"id", wasmapi.String, &f.id},
		{"qr_raw", wasmapi.Bool, &f.qrRaw},
		{"qr", wasmapi.String, &f.qr},
		{"qtype_raw", wasmapi.Uint16, &f.qtypeRaw},
		{"qtype", wasmapi.String, &f.qtype},
		{"name", wasmapi.String, &f.name},
		{"rcode_raw", wasmapi.Uint16, &f.rcodeRaw},
		{"rcode", wasmapi.String, &f.rcode},
		{"num_answers", wasmapi.Int32, &f.answers},
		{"addresses", wasmapi.String, &f.addresses},
		{"tc", wasmapi.Bool, &f.truncated},
		{"ra", wasmapi.Bool, &f.recursionAvailable},
		{"rd", wasmapi.Bool, &f.recursionDesired},
	} {
		var err error
		*added.field, err = dns.AddField(added.name, added.kind)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// fill decodes the message of an event.
func (f *fields) fill(event wasmapi.Data, packet []byte) error {
	off, err := wasmapi.Get[uint16](f.dnsOff, event)
	if err != nil {
		return err
	}
	n, err := f.data.Read(event, packet)
	if err != nil {
		return err
	}
	m, ok := message.Decode(packet[min(int(off), n):n])
	if !ok {
		return nil // the eBPF program has seen a header
	}
	qr := "Q"
	errs := []error{
		f.id.SetText(event, fmt.Sprintf("%.4x", m.ID)),
		wasmapi.Set(f.qrRaw, event, m.Response),
		wasmapi.Set(f.answers, event, int32(m.Answers)),
		f.addresses.SetText(event, strings.Join(m.Addresses, ",")),
		wasmapi.Set(f.truncated, event, m.Truncated),
		wasmapi.Set(f.recursionAvailable, event, m.RecursionAvailable),
		wasmapi.Set(f.recursionDesired, event, m.RecursionDesired),
	}
	if m.Response {
		qr = "R"
		errs = append(errs, wasmapi.Set(f.rcodeRaw, event, m.Code), f.rcode.SetText(event, named(codes, m.Code)))
	}
	if m.Asked {
		errs = append(errs, wasmapi.Set(f.qtypeRaw, event, m.Type), f.qtype.SetText(event, named(kinds, m.Type)),
			f.name.SetText(event, m.Name))
	}
	return errors.Join(append(errs, f.qr.SetText(event, qr))...)
}

func main() {}
