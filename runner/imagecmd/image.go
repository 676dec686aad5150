package imagecmd

// Image is the command "image": one subcommand per thing to do with
// artifacts.
type Image struct {
	Build   Build   `cmd:"" help:"Build a gadget's folder, without Bazel."`
	List    List    `cmd:"" aliases:"ls" help:"List the artifacts in the store."`
	Pull    Pull    `cmd:"" help:"Pull artifacts from a registry into the store."`
	Push    Push    `cmd:"" help:"Push an artifact of the store to its registry."`
	Tag     Tag     `cmd:"" help:"Give an artifact of the store another name."`
	Rm      Remove  `cmd:"" aliases:"remove" help:"Remove names, and content that has no name left."`
	Save    Save    `cmd:"" aliases:"export" help:"Write artifacts of the store to an archive or a folder."`
	Load    Load    `cmd:"" aliases:"import" help:"Take artifacts from an archive or a folder into the store."`
	Unpack  Unpack  `cmd:"" help:"Write the files of an artifact into a folder."`
	Inspect Inspect `cmd:"" help:"Show what is in an artifact, before it runs."`
	Du      Du      `cmd:"" help:"Show what the store takes."`
	Prune   Prune   `cmd:"" help:"Remove content that nothing needs."`
	Copy    Copy    `cmd:"" help:"Copy an artifact from one registry to another."`
	Diff    Diff    `cmd:"" help:"Show what is different between two artifacts."`
	Sign    Sign    `cmd:"" help:"Sign an artifact in a registry."`
	Verify  Verify  `cmd:"" help:"Verify who signed an artifact in a registry."`
	Fsck    Fsck    `cmd:"" help:"Check the store, and repair it."`
}
