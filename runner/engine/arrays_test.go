package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

func TestSchedules(t *testing.T) {
	const interval, count = gadgetapi.AnnotationInterval, gadgetapi.AnnotationCount
	const mapStop, iterStop = gadgetapi.AnnotationMapStop, gadgetapi.AnnotationIterStop
	for _, tc := range []struct {
		kind        gadgetapi.SourceKind
		annotations map[string]string
		want        schedule
		wrong       string
	}{
		{gadgetapi.MapIterator, nil, schedule{interval: time.Second}, ""},
		{gadgetapi.MapIterator, map[string]string{interval: "0"}, schedule{atEnd: true}, ""},
		{gadgetapi.MapIterator, map[string]string{interval: "0s", mapStop: "true"}, schedule{onStop: true, atEnd: true}, ""},
		{gadgetapi.MapIterator, map[string]string{interval: "0", count: "1"}, schedule{count: 1}, ""},
		{
			gadgetapi.MapIterator,
			map[string]string{interval: "0", count: "2"},
			schedule{},
			"2 readings need an interval above 0",
		},
		{
			gadgetapi.MapIterator,
			map[string]string{interval: "1ns", iterStop: "true"},
			schedule{interval: minimalArrayRefresh},
			"",
		},
		{gadgetapi.MapIterator, map[string]string{interval: "-1s"}, schedule{}, "is not an interval"},
		{gadgetapi.MapIterator, map[string]string{count: "-1"}, schedule{}, "is not a count"},
		{
			gadgetapi.MapIterator,
			map[string]string{interval: "2s", count: "3"},
			schedule{interval: 2 * time.Second, count: 3},
			"",
		},
		{gadgetapi.MapIterator, map[string]string{interval: "soon"}, schedule{}, "is not an interval"},
		{gadgetapi.MapIterator, map[string]string{count: "x"}, schedule{}, "is not a count"},
		{gadgetapi.Iterator, nil, schedule{}, ""},
		{gadgetapi.Iterator, map[string]string{iterStop: "true"}, schedule{onStop: true, atEnd: true}, ""},
		{
			gadgetapi.Iterator,
			map[string]string{iterStop: "true", interval: "2s"},
			schedule{onStop: true, interval: 2 * time.Second},
			"",
		},
	} {
		name := fmt.Sprint(tc.kind, tc.annotations)
		got, err := newSchedule(tc.kind, tc.annotations)
		switch {
		case tc.wrong != "":
			if err == nil || !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("%s: got %v, want %q", name, err, tc.wrong)
			}
		case err != nil || got != tc.want:
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, tc.want)
		}
	}
}

// readings is a Handler that notes when it is called, by the only number of its
// entries.
type readings struct{ got []uint32 }

func (*readings) Event(int, []byte) {}
func (*readings) Lost(int, uint64)  {}

func (r *readings) Array(_ int, samples [][]byte) {
	r.got = append(r.got, binary.NativeEndian.Uint32(samples[0]))
}

// TestArrayReadTimes runs arrays whose only entry reports whether the end has come.
func TestArrayReadTimes(t *testing.T) {
	const before, end = 0, 1
	for name, tc := range map[string]struct {
		schedule schedule
		want     []uint32
	}{
		"at the start":    {schedule{count: 1}, []uint32{before}},
		"at the end":      {schedule{atEnd: true, onStop: true}, []uint32{end}},
		"twice":           {schedule{interval: minimalArrayRefresh, count: 2, onStop: true}, []uint32{before, before}},
		"only at the end": {schedule{interval: time.Hour, onStop: true}, []uint32{end}},
		"never":           {schedule{interval: time.Hour}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
			defer cancel()
			a := array{size: 4, schedule: tc.schedule, fetch: func() ([]byte, error) {
				if ctx.Err() != nil {
					return binary.NativeEndian.AppendUint32(nil, end), nil
				}
				return binary.NativeEndian.AppendUint32(nil, before), nil
			}}
			got := &readings{}
			if err := a.run(ctx, got); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got.got) != fmt.Sprint(tc.want) {
				t.Errorf("read %v, want %v", got.got, tc.want)
			}
		})
	}
}
