// Package containercmd is the command "gadget-run list-containers".
package containercmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/container"
)

// List is "gadget-run list-containers".
type List struct {
	Output  string      `short:"o" default:"columns" placeholder:"FORMAT" help:"Format of the output: json, columns, or columns=a,b for these columns (also custom-columns=a,b)." group:"Output"`
	Watch   bool        `short:"w" help:"After the list, print each container that starts or ends." group:"Output"`
	Timeout cli.Timeout `short:"t" placeholder:"TIME" help:"With --watch: stop after this time: 5s, 2m30s, or a number of seconds." group:"Output"`

	container.SelectorFlags `group:"Containers"`
	container.RuntimeFlags  `group:"Runtimes"`

	RuntimeProtocol string `hidden:"" placeholder:"NAME" help:"Accepted for compatibility; each runtime is queried with its own protocol."`
}

// Help gives examples.
func (List) Help() string {
	return `A runtime that does not answer causes a warning, not an error: the list has the containers of the others.

Examples:

    gadget-run list-containers
    gadget-run list-containers --k8s-namespace kube-system -o json
    gadget-run list-containers -r docker -o columns=runtime.container,pid,mntns
    gadget-run list-containers --watch --timeout 1m`
}

// Run prints the containers of the node, and with --watch what becomes of them
// until a signal or the timeout, which both are a clean end.
func (l *List) Run(g *cli.Globals) error {
	cols, asJSON, err := l.form()
	if err != nil {
		return cli.Usage(err)
	}
	sel, err := l.Selector()
	if err != nil {
		return cli.Usage(err)
	}
	all, err := container.Open(l.RuntimeFlags, warner(g))
	if err != nil {
		return cli.Usage(err)
	}
	if l.Watch {
		return l.watch(g, all, &sel, &writer{out: g.Stdout, cols: cols, json: asJSON})
	}
	list, err := all.List(g.Ctx)
	if err != nil {
		return err
	}
	wanted := []container.Container{}
	for i := range list {
		if sel.Match(&list[i]) {
			wanted = append(wanted, list[i])
		}
	}
	if asJSON {
		return printJSON(g.Stdout, wanted)
	}
	return printTable(g.Stdout, cols, wanted)
}

// form reads --output.
func (l *List) form() (cols []column, asJSON bool, err error) {
	mode, names, named := strings.Cut(l.Output, "=")
	switch {
	case mode == "json" && !named:
		return nil, true, nil
	case mode == "columns" && !named:
		cols, err = columnsOf(defaultColumns)
	case mode == "columns" || mode == "custom-columns":
		cols, err = columnsOf(names)
	default:
		err = fmt.Errorf("%q is unknown, use json, columns or columns=a,b", l.Output)
	}
	if err != nil {
		return nil, false, fmt.Errorf("--output: %w", err)
	}
	return cols, false, nil
}

// warner prints why a runtime does not answer, unless --quiet is set.
func warner(g *cli.Globals) func(string) {
	if g.Quiet {
		return func(string) {}
	}
	return func(text string) { cli.Message(g.Stderr, "gadget-run: "+text) }
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// watch prints what runs and what changes.
func (l *List) watch(g *cli.Globals, all *container.Collection, sel *container.Selector, w *writer) error {
	ctx, cancel := context.WithCancelCause(g.Ctx)
	defer cancel(nil)
	if l.Timeout > 0 {
		t := time.AfterFunc(time.Duration(l.Timeout), func() { cancel(nil) })
		defer t.Stop()
	}
	if err := w.begin(); err != nil {
		return err
	}
	err := all.Watch(ctx, func(e container.Event) {
		if e.Type == container.Listed || !sel.Match(&e.Container) {
			return
		}
		if err := w.event(e, time.Now()); err != nil {
			cancel(err)
		}
	})
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("writing containers: %w", cause)
	}
	return err
}
