package engine

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/packetfilter"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestPacketFilters counts the events of two packets with filters in place of the
// gadget's functions, and without.
func TestPacketFilters(t *testing.T) {
	gadgettest.NeedsKernel(t)
	udp := make([]byte, 60)
	copy(udp[12:], []byte{8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17})
	udp[37] = 53
	tcp := append([]byte{}, udp...)
	tcp[23] = 6
	for name, tc := range map[string]struct {
		filters map[string]string
		want    int
	}{
		"none":            {nil, 2},
		"unnamed":         {map[string]string{"": "udp"}, 1},
		"named":           {map[string]string{"second": "tcp"}, 1},
		"both":            {map[string]string{"": "udp port 53", "second": "len = 60"}, 1},
		"contradictory":   {map[string]string{"": "udp", "second": "tcp"}, 0},
		"of another name": {map[string]string{"third": "arp"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := gadgetapi.Read(gadgettest.File(t, "capture.bpf.o"), gadgetapi.Metadata{})
			if err != nil {
				t.Fatal(err)
			}
			filters := map[string]*packetfilter.Filter{}
			for name, text := range tc.filters {
				if filters[name], err = packetfilter.Parse(text); err != nil {
					t.Fatal(err)
				}
			}
			l, err := Load(plan, LoadOptions{PacketFilters: filters, Places: Places{Interfaces: []string{"lo"}}})
			if err != nil {
				t.Fatalf("%v", err)
			}
			defer l.Close()
			for _, packet := range [][]byte{udp, tcp} {
				if _, _, err := l.coll.Programs["capture_in"].Test(packet); err != nil {
					t.Fatal(err)
				}
			}
			if got := eventsIn(t, l.readers[0]); got != tc.want {
				t.Errorf("%d events, want %d", got, tc.want)
			}
		})
	}
}

// eventsIn counts what is in a buffer.
func eventsIn(t *testing.T, r sampleReader) int {
	t.Helper()
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		if _, _, err := r.Next(); errors.Is(err, errDrained) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestPacketFilterOfOtherPrograms holds the sentence for a filter where there are
// no packets.
func TestPacketFilterOfOtherPrograms(t *testing.T) {
	spec, err := gadgetapi.Read(gadgettest.File(t, "capture.bpf.o"), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	filter, err := packetfilter.Parse("tcp")
	if err != nil {
		t.Fatal(err)
	}
	coll := spec.Collection.Copy()
	coll.Programs["capture_in"].Type = ebpf.Kprobe
	if err := setPacketFilters(coll, map[string]*packetfilter.Filter{"": filter}); err == nil {
		t.Error("a kprobe got a packet filter")
	}
}
