package fleetcmd

// Help gives examples.
func (Lock) Help() string {
	return `Every name of the list is resolved, verified by the policy, and written with its digest, its platforms, who signed it, and what refers to it.

Examples:

    gadget-run lock gadgets.yaml
    gadget-run lock gadgets.yaml --check`
}

// Help gives examples.
func (Sync) Help() string {
	return `What the lock file names is pulled by digest and verified by this machine's policy. Then all names change together, and those of an earlier sync that are no longer listed are removed; what was pulled by hand stays. Where everything is here already, no registry is asked.

Examples:

    gadget-run sync gadgets.lock --jitter 5m
    gadget-run sync gadgets.lock --from gadgets.tar
    gadget-run run --locked gadgets.lock registry.example/trace_open:v1`
}
