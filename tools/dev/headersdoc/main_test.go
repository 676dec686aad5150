package main

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rules-gadget/rules_gadget/gadgets/include"
)

const example = `/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */

/*
 * The first paragraph,
 * on two lines.
 *
 * The second.
 */

#ifndef __GADGET_EXAMPLE_H
#define __GADGET_EXAMPLE_H

#define EXAMPLE_MAX 3

/* Not for gadgets. */
#define __hidden(a) a

/* Two numbers. */
typedef __u32 example_one;
typedef __u64 example_two;

/* void *example_take(map, size): memory | nothing. */
#define example_take(map, size) \
	__take(map, \
	       size)

/* A pair. */
struct example {
	/* The first
	   two. */
	__u32 a;
	__u32 b[2];

	__u64 c; /* the third */
};

/* Which one. */
enum example_kind : __u8 {
	FIRST = 1,
	SECOND,
};

/* The kernel's. */
struct task___x {
	int state;
} __attribute__((preserve_access_index));

/* Pairs by number. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
} examples SEC(".maps");

/* The older name. */
__attribute__((deprecated("use example_get"))) static __always_inline
	struct example *
	example_old(void)
{
	if (1) {
	}
	return NULL;
}

#endif
`

func TestRender(t *testing.T) {
	page, err := render(fstest.MapFS{"gadget/example.h": {Data: []byte(example)}})
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(string(page), "\n## ")
	want := "gadget/example.h\n\nThe first paragraph, on two lines.\n\nThe second.\n" + `
| declaration | kind | meaning |
|---|---|---|
` + "| `example_one`, `example_two` | type | Two numbers. |\n" +
		"| `void *example_take(map, size)` | macro | Memory \\| nothing. |\n" +
		"| `struct example` | type | A pair. Members: `a`, `b` (The first two), `c` (the third). |\n" +
		"| `enum example_kind` | type | Which one. Members: `FIRST`, `SECOND`. |\n" +
		"| `examples` | map | Pairs by number. |\n" +
		"| `struct example *example_old(void)` | function | The older name. |\n" +
		"\nConstants: `EXAMPLE_MAX`.\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRefusesUndocumented(t *testing.T) {
	for _, test := range []struct{ old, want string }{
		{"/* A pair. */\n", `the type "example" has no comment`},
		{"/* Pairs by number. */\n", `the map "examples" has no comment`},
		{"/* The older name. */\n", `the function "example_old" has no comment`},
		{"/* void *example_take(map, size): memory | nothing. */\n", `the macro "example_take" has no comment`},
	} {
		text := strings.Replace(example, test.old, "", 1)
		_, err := render(fstest.MapFS{"gadget/example.h": {Data: []byte(text)}})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want an error with %q", err, test.want)
		}
	}
}

// TestHeaders finds what README promises of the headers on the page.
func TestHeaders(t *testing.T) {
	page, err := render(include.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"`GADGET_TRACER(name, map_name, event_type)`", "`GADGET_PARAM(name)`", "`void *gadget_reserve_buf(map, size)`",
		"`struct gadget_process`", "`void gadget_process_populate(struct gadget_process *p)`", "`gadget_mntns_filter_map`",
		"`struct gadget_socket_value *gadget_socket_lookup(const struct sock *sk, __u32 netns)`",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not have %s", want)
		}
	}
}
