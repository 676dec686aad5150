package main

import (
	"io"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/app"
)

// small is a command line with one of each.
type small struct {
	Verbose bool `short:"v" group:"global" help:"Say more."`

	Sub struct {
		Do do `cmd:"" aliases:"act" help:"Do a thing."`
	} `cmd:"" help:"Things."`
}

type do struct {
	Thing  string   `arg:"" help:"What|which."`
	Form   string   `short:"f" enum:"a,b" default:"a" help:"The form."`
	Insane bool     `aliases:"mad" group:"Registry" help:"Be so."`
	Strict bool     `negatable:"" default:"true" help:"Be strict."`
	Key    string   `required:"" placeholder:"FILE" help:"The key."`
	Names  []string `help:"Several."`
	Secret string   `hidden:""`
}

func (do) Help() string { return "More.\n\nExamples:\n\n    small sub do x\n" }

const want = "# Commands of small\n\n<!-- Written by tools/dev/commandsdoc from the command line itself. -->\n\nAll " +
	"of it.\n" +
	"\n## sub do\n\n`gadget-run sub do --key=FILE <thing>`\n\nDo a thing.\n\nAlso called `act`.\n\nMore.\n\n```sh\nsmall sub do x\n```\n" +
	"\n| argument | meaning |\n|---|---|\n| `<thing>` | What\\|which. |\n" +
	"\n| flag | default | meaning |\n|---|---|---|\n| `-f, --form=a\\|b` | `a` | The form. |\n" +
	"| `--[no-]strict` | `true` | Be strict. |\n| `--key=FILE` |  | The key. |\n| `--names=NAMES` |  | Several. |\n" +
	"\nAlso the [registry flags](#registry-flags) and the [global flags](#global-flags).\n" +
	"\n## Global flags\n\n| flag | default | meaning |\n|---|---|---|\n| `-v, --verbose` |  | Say more. |\n" +
	"\n## Registry flags\n\n| flag | default | meaning |\n|---|---|---|\n| `--insane` |  | Be so. Also called `--mad`. |\n"

func TestRender(t *testing.T) {
	page, err := render(model(t, &small{}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}

func model(t *testing.T, grammar any) *kong.Application {
	t.Helper()
	parser, err := kong.New(grammar, kong.Name("small"), kong.Description("All of it."), kong.NoDefaultHelp(),
		kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

type noExample struct {
	Do struct{} `cmd:"" help:"Do."`
}

type noHelp struct {
	Do struct {
		do
		Flag bool
	} `cmd:"" help:"Do."`
}

func TestRefusesUndocumentedNames(t *testing.T) {
	for want, grammar := range map[string]any{"needs help and examples": &noExample{}, "--flag has no help": &noHelp{}} {
		if _, err := render(model(t, grammar)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestPage renders the real command line, and finds an old page.
func TestPage(t *testing.T) {
	real, err := app.Model()
	if err != nil {
		t.Fatal(err)
	}
	page, err := render(real)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"## run\n", "## image pull\n", "## login\n", "`-h, --help`", "`--authfile=FILE`"} {
		if !strings.Contains(string(page), part) {
			t.Errorf("no %q in the page", part)
		}
	}
}

func TestForeign(t *testing.T) {
	got := string(foreign([]gadgetapi.ForeignParam{{Name: "a", Why: "b"}, {Name: "c", Refused: true, Why: "d"}}))
	if want := "| `--a` | yes | b |\n| `--c` | no | d |\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q at its end", got, want)
	}
}
