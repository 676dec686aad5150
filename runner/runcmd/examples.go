package runcmd

// Help gives examples.
func (Cmd) Help() string {
	return `The gadget's own parameters are flags too; --help after its name shows them. It stops on Ctrl-C, or after --timeout.

Examples:

    gadget-run run registry.example/trace_open:v1
    gadget-run run registry.example/trace_open:v1 -o json --timeout 10s
    gadget-run run ./layout -E 'proc.comm == "cat" && fd > 3'
    gadget-run run registry.example/trace_open:v1 -c web --fields comm,fname
    gadget-run run -f manifest.yaml
    gadget-run run ./layout --help`
}
