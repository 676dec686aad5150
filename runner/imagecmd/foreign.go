package imagecmd

import "github.com/rules-gadget/rules_gadget/runner/cli"

// foreignBuildFlags are flags of "ig image build" that change nothing here.
type foreignBuildFlags struct {
	BuilderImage     string `hidden:"" placeholder:"REF" help:"Taken for scripts: no container builds, the compiler is pinned."`
	BuilderImagePull string `hidden:"" placeholder:"WHEN" help:"Taken for scripts: no container builds."`
	BTFGen           bool   `name:"btfgen" hidden:"" help:"Taken for scripts: --btf is enough."`
}

// note reports which of the flags were given, and why they change nothing.
func (f foreignBuildFlags) note(g *cli.Globals) {
	if !g.Verbose {
		return
	}
	if f.BuilderImage != "" || f.BuilderImagePull != "" {
		g.Say("--builder-image and --builder-image-pull change nothing: no container builds, the compiler is pinned")
	}
	if f.BTFGen {
		g.Say("--btfgen changes nothing: --btf (or --btfhub-archive) names the archives and is enough")
	}
}

// foreignInspectFlags are flags of "ig image inspect" that change nothing here.
type foreignInspectFlags struct {
	ShowDatasources bool `hidden:"" help:"Taken for scripts: data sources are always shown."`
}
